"""Versions of the model: which one answers, which one is tried, and how to go back.

`registry.json` is the one truth, written whole under a lock. `champions` is a stack: the last entry
answers, promotion pushes, rollback pops; so there are never two champions, and never none again
once there was one.
"""

import getpass
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from . import bundle as bundles
from .bundle import Bundle
from .errors import RegistryError
from .storage import Storage

STATE, LOCK = "registry.json", "registry.lock"
LOCK_SECONDS = 60  # older than this, the holder is taken for dead


class Version(msgspec.Struct, frozen=True):
    """An immutable bundle with a number."""

    run_id: str
    digest: str
    created: str
    metrics: dict[str, float]


class Event(msgspec.Struct, frozen=True):
    """One line of the audit trail."""

    at: str
    action: str
    version: int
    before: int | None
    by: str
    reason: str = ""


class State(msgspec.Struct):
    """All of the registry that changes."""

    versions: dict[int, Version] = {}
    champions: list[int] = []
    challenger: int | None = None
    history: list[Event] = []

    @property
    def champion(self) -> int | None:
        """The version that answers."""
        return self.champions[-1] if self.champions else None


class Registry:
    """The versions of one model in one store."""

    def __init__(self, storage: Storage) -> None:
        self.storage = storage

    def state(self) -> State:
        """What the registry holds now."""
        if not self.storage.exists(STATE):
            return State()
        try:
            return msgspec.json.decode(self.storage.read(STATE), type=State)
        except msgspec.DecodeError as error:
            raise RegistryError(f"{self.storage.url}/{STATE} is broken: {error}") from None

    def load(self, version: int | None = None) -> tuple[int, Bundle]:
        """The champion's bundle, or that of a version, verified.

        Raises RegistryError when there is no such version, BundleError when it is damaged.
        """
        state = self.state()
        version = version or state.champion
        if version is None:
            raise RegistryError(
                f"{self.storage.url} has no champion yet; make one with: python run.py up"
            )
        record = self._known(state, version)
        return version, bundles.load(self.storage, folder(version), record.digest)

    def register(self, source: Path, run_id: str, digest: str, metrics: dict[str, float]) -> int:
        """Store a bundle folder as the next version and make it the challenger."""
        with self._change() as state:
            version = max(state.versions, default=0) + 1
            self.storage.upload(source, folder(version))
            state.versions[version] = Version(run_id, digest, now(), metrics)
            self._note(state, "register", version, state.challenger)
            state.challenger = version
        return version

    def promote(self, version: int | None = None, reason: str = "") -> int:
        """Make a version, by default the challenger, the champion; returns its number."""
        with self._change() as state:
            version = version or state.challenger
            if version is None:
                raise RegistryError("there is no challenger; train one with: python run.py train")
            record = self._known(state, version)
            bundles.load(self.storage, folder(version), record.digest)
            if version == state.champion:
                raise RegistryError(f"version {version} is the champion already")
            self._note(state, "promote", version, state.champion, reason)
            state.champions.append(version)
            if state.challenger == version:
                state.challenger = None
        return version

    def rollback(self, reason: str = "") -> int:
        """Make the champion before the present one answer again; returns its number."""
        with self._change() as state:
            if len(state.champions) < 2:
                raise RegistryError(
                    f"there is no champion before {state.champion}; "
                    "promote a version by number: python run.py promote --version N"
                )
            before = state.champions[-2]
            bundles.load(self.storage, folder(before), state.versions[before].digest)
            self._note(state, "rollback", before, state.champion, reason)
            state.champions.pop()
        return before

    def _known(self, state: State, version: int) -> Version:
        if version not in state.versions:
            known = ", ".join(map(str, state.versions)) or "none"
            raise RegistryError(f"there is no version {version}; known: {known}")
        return state.versions[version]

    def _note(
        self, state: State, action: str, version: int, before: int | None, reason: str = ""
    ) -> None:
        state.history.append(Event(now(), action, version, before, _who(), reason))

    @contextmanager
    def _change(self, patience: float = 10.0) -> Iterator[State]:
        """Hold the lock, hand out the state, write it back whole if nothing was raised."""
        give_up = time.monotonic() + patience
        while not self.storage.create(LOCK, f"{time.time()}".encode()):
            self._break_stale_lock()
            if time.monotonic() > give_up:
                raise RegistryError(
                    f"{self.storage.url}/{LOCK} is held by another process; "
                    "wait for it, or delete the file when there is none"
                )
            time.sleep(0.1)
        try:
            state = self.state()
            yield state
            content = msgspec.json.format(msgspec.json.encode(state), indent=2)
            self.storage.write(STATE, content)
        finally:
            self.storage.remove(LOCK)

    def _break_stale_lock(self) -> None:
        try:
            age = time.time() - float(self.storage.read(LOCK) or b"0")
        except Exception:  # released between the two calls
            return
        if age > LOCK_SECONDS:
            self.storage.remove(LOCK)


def folder(version: int) -> str:
    """Where a version's bundle lies in the store."""
    return f"versions/{version:04d}"


def now() -> str:
    """This moment in UTC, to the second."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def _who() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # no such user, as in a slim container
        return "unknown"
