"""The model that answers now: loaded whole and tried out before it takes over."""

import gc
import logging
import traceback
from pathlib import Path

import msgspec

from engine.core.errors import ProjectError
from engine.registry.history import State
from engine.registry.registry import Registry
from engine.serving.model import PATHS
from engine.serving.openapi import Beside, document
from engine.serving.protocol import Models, ServedModel

log = logging.getLogger(__name__)


class LiveModel:
    """Follows the registry's champion; a version that cannot be loaded never takes over.

    Where it cannot be loaded at the start, the newest champion before it that can answers.
    """

    def __init__(
        self,
        registry: Registry,
        models: Models,
        *,
        has_key: bool = False,
        beside: Beside | None = None,
    ) -> None:
        self.registry, self.models, self._has_key = registry, models, has_key
        self._beside = beside
        self.now: ServedModel | None = None
        self.openapi = self.about = b""
        self.trouble: str | None = "the model is not loaded yet"
        """Why the champion does not answer; an earlier version may."""
        self.store_trouble = ""
        """Why nothing can be looked up, if the model needs that."""

    def refresh(self) -> bool:
        """Follow the registry and what is looked up; says whether another version answers."""
        is_new = self._follow()
        if self.now and self.now.looks_up:
            trouble = self.models.refresh()
            if trouble and trouble != self.store_trouble:
                log.error("%s", trouble)
            self.store_trouble = trouble
        return is_new

    def close(self) -> None:
        """End what runs beside the server."""
        self.models.close()

    def _follow(self) -> bool:
        """Load the champion if it is another than the one that answers; says whether it was."""
        tried: int | None = None
        try:
            state = self.registry.state()
            tried = state.champion
            known, now = state.versions.get(state.champion or 0), self.now
            if now and known and (state.champion, known.digest) == (now.version, now.digest):
                self.trouble = None
                return False
            self._take(state)
        except ProjectError as error:
            self._complain(str(error))
        except OSError as error:  # storage says the rest as a StorageError
            self._complain(f"the store cannot be read: {type(error).__name__}")
        except Exception as error:  # a fault of the code must not end the server either
            self._complain(f"the champion cannot be opened: {_fault(error)}", error)
        else:
            self.trouble = None
            return True
        return self.now is None and self._is_stood_in_for(tried)

    def _take(self, state: State, version: int | None = None) -> None:
        """Let the champion or a version answer; what it raises leaves everything as it was."""
        number, bundle = self.registry.load(version, state)
        opened = self.models.open(number, bundle)
        about = msgspec.json.encode(opened.about)
        described = document(opened, PATHS, has_key=self._has_key, beside=self._beside)
        openapi = msgspec.json.encode(described)
        self.now, self.about, self.openapi = opened, about, openapi
        log.info("version %d (run %s) answers from now on", opened.version, opened.run_id)

    def _is_stood_in_for(self, tried: int | None) -> bool:
        """Let the newest other champion answer that can, of what can be read of the registry."""
        try:
            state = self.registry.sound()
        except Exception:  # what is wrong with the store has been said
            return False
        others = [number for number in reversed(state.champions) if number != tried]
        return any(self._stands_in(state, number) for number in dict.fromkeys(others))

    def _stands_in(self, state: State, version: int) -> bool:
        try:
            self._take(state, version)
        except Exception as error:  # it is tried because something is wrong with the store
            why = error if isinstance(error, ProjectError | OSError) else _fault(error)
            log.error("version %d cannot stand in: %s", version, why)
            return False
        return True

    def _complain(self, trouble: str, fault: Exception | None = None) -> None:
        """Say it once; a fault of the code with where it came from."""
        if trouble != self.trouble:
            still = f"; version {self.now.version} goes on answering" if self.now else ""
            log.error("%s%s", trouble, still, exc_info=fault)
        self.trouble = trouble


def spare() -> None:
    """Keep the garbage collector from what lives on: the libraries, and the version that answers.

    Each of its full passes would look at all of that, for some 15 ms in which nobody is answered.
    What the version before left behind is collected first.
    """
    gc.unfreeze()
    gc.collect()
    gc.freeze()


def _fault(error: Exception) -> str:
    """What the code did wrong and where; its text may hold anything, so it is for the log alone."""
    frames = traceback.extract_tb(error.__traceback__)
    place = f" at {Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else ""
    return f"a fault of the code, {type(error).__name__}{place}; the log has the traceback"
