"""Versions of the model: which one answers, which one is tried, and how to go back."""

import argparse
import sys
from contextlib import suppress
from pathlib import Path

from . import bundle as bundles
from . import ledger, settings
from .bundle import Bundle
from .errors import BundleError, RegistryError, RunError
from .ledger import State, now
from .settings import Settings
from .storage import Storage

__all__ = ["Registry", "State", "folder", "main", "now"]


class Registry:
    """The versions of one model in one store."""

    def __init__(self, storage: Storage) -> None:
        self.storage = storage

    def state(self) -> State:
        """What the registry holds now."""
        return ledger.read(self.storage)

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
        record = state.known(version)
        return version, bundles.load(self.storage, folder(record.run_id), record.digest)

    def register(self, source: Path, run_id: str, digest: str, metrics: dict[str, float]) -> int:
        """Store a bundle folder as the next version and make it the challenger."""
        self.storage.upload(source, folder(run_id))

        def step(state: State) -> int:
            version = max(state.versions, default=0) + 1
            state.versions[version] = ledger.Version(run_id, digest, now(), {**metrics})
            state.note("register", version, state.challenger)
            state.challenger = version
            return version

        return ledger.change(self.storage, step)

    def promote(self, version: int | None = None, reason: str = "") -> int:
        """Make a version, by default the challenger, the champion; returns its number."""

        def step(state: State) -> int:
            chosen = state.challenger if version is None else version
            if chosen is None:
                raise RegistryError("there is no challenger; train one with: python run.py train")
            self._verify(state, chosen)
            if chosen == state.champion:
                raise RegistryError(f"version {chosen} is the champion already")
            state.note("promote", chosen, state.champion, reason)
            state.champions.append(chosen)
            if state.challenger == chosen:
                state.challenger = None
            return chosen

        return ledger.change(self.storage, step)

    def rollback(self, reason: str = "") -> int:
        """Make the champion before the present one answer again; returns its number."""

        def step(state: State) -> int:
            if len(state.champions) < 2:
                raise RegistryError(
                    f"there is no champion before the present one ({state.champion or 'none'}); "
                    "promote a version by number: python run.py promote --version N"
                )
            before = state.champions[-2]
            self._verify(state, before)
            state.note("rollback", before, state.champion, reason)
            state.champions.pop()
            return before

        return ledger.change(self.storage, step)

    def _verify(self, state: State, version: int) -> None:
        record = state.known(version)
        try:
            bundles.load(self.storage, folder(record.run_id), record.digest)
        except BundleError as error:
            fault = str(error).removesuffix(f"; {bundles.WAY_OUT}")
            others = ", ".join(str(number) for number in state.versions if number != version)
            raise BundleError(
                f"version {version} cannot answer and nothing was changed: {fault}; "
                f"train again, or promote another version (there are: {others or 'none'})"
            ) from None


def folder(run_id: str) -> str:
    """Where the bundle of a run that became a version lies in the store."""
    return f"versions/{run_id}"


def main(argv: list[str]) -> int:
    """Make a version the champion, go back to the one before, or show who did what and when."""
    verb = argv[0]
    parser = argparse.ArgumentParser(prog=f"run.py {verb}", description=main.__doc__)
    if verb == "promote":
        parser.add_argument("--version", type=int, help="default: the challenger")
    if verb in ("promote", "rollback"):
        parser.add_argument("--reason", default="", help="kept in the history")
    options = parser.parse_args(argv[1:])
    config = settings.load()
    registry = Registry(Storage(config.store))
    if verb == "promote":
        version = registry.promote(options.version, options.reason)
        print(f"version {version} is the champion")
    if verb == "rollback":
        version = registry.rollback(options.reason)
        print(f"version {version} is the champion again")
    if verb != "history":
        _announce(config, registry)
    print(ledger.table(registry.state()))
    return 0


def _announce(config: Settings, registry: Registry) -> None:
    """Tell the tracker and the model card; a server's image has the packages of neither."""
    from . import tracking

    tracking.mirror(config, registry.state())
    with suppress(ImportError):
        try:
            _write_card(registry)
        except RunError as error:
            print(f"MODEL_CARD.md was left as it was: {error}", file=sys.stderr)


def _write_card(registry: Registry) -> None:
    from . import runs
    from .model_card import write_card

    version, bundle = registry.load()
    write_card(bundle, runs.load(registry.storage, bundle.manifest.run_id), version)
