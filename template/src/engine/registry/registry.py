"""Versions of the model: which one answers, which one is tried, and how to go back."""

from pathlib import Path

from engine.core.errors import BundleError, RegistryError
from engine.core.storage import Storage
from engine.registry import history
from engine.registry.bundle import Bundle, load_bundle
from engine.registry.history import State, now
from engine.registry.sealed import WAY_OUT


class Registry:
    """The versions of one model in one store."""

    def __init__(self, storage: Storage) -> None:
        self.storage = storage

    def state(self) -> State:
        """What the registry holds now."""
        return history.read(self.storage)

    def sound(self) -> State:
        """What the registry held last that can still be read."""
        return history.read_sound(self.storage)

    def load(self, version: int | None = None, state: State | None = None) -> tuple[int, Bundle]:
        """The champion's bundle, or that of a version, verified; by default as of now.

        Raises RegistryError when there is no such version, BundleError when it is damaged.
        """
        state = state or self.state()
        version = version or state.champion
        if version is None:
            raise self._no_champion()
        record = state.known(version)
        return version, load_bundle(self.storage, version_folder(record.run_id), record.digest)

    def register(self, source: Path, run_id: str, digest: str, metrics: dict[str, float]) -> int:
        """Store a bundle folder as the next version and make it the challenger."""
        self.storage.upload(source, version_folder(run_id))

        def step(state: State) -> int:
            version = max(state.versions, default=0) + 1
            state.versions[version] = history.Version(run_id, digest, now(), {**metrics})
            state.note("register", version, state.challenger)
            state.challenger = version
            return version

        return history.change(self.storage, step)

    def promote(self, version: int | None = None, reason: str = "") -> int:
        """Make a version, by default the challenger, the champion; returns its number."""

        def step(state: State) -> int:
            chosen = state.challenger if version is None else version
            if chosen is None:
                raise RegistryError("there is no challenger; train one with: python3 run.py train")
            self._verify(state, chosen)
            if chosen == state.champion:
                raise RegistryError(f"version {chosen} is the champion already")
            state.note("promote", chosen, state.champion, reason)
            state.champions.append(chosen)
            if state.challenger == chosen:
                state.challenger = None
            return chosen

        return history.change(self.storage, step)

    def rollback(self, reason: str = "") -> int:
        """Make the champion before the present one answer again; returns its number."""

        def step(state: State) -> int:
            if state.champion is None:
                raise self._no_champion()
            if len(state.champions) < 2:
                others = ", ".join(str(n) for n in state.versions if n != state.champion)
                way_out = (
                    f"promote one by number (there are: {others}): "
                    "python3 run.py promote --version N"
                    if others
                    else "it is the only version"
                )
                raise RegistryError(
                    f"there is no champion before the present one ({state.champion}); {way_out}"
                )
            before = state.champions[-2]
            self._verify(state, before)
            state.note("rollback", before, state.champion, reason)
            state.champions.pop()
            return before

        return history.change(self.storage, step)

    def _no_champion(self) -> RegistryError:
        where = self.storage.url
        return RegistryError(f"{where} has no champion yet; make one with: python3 run.py up")

    def _verify(self, state: State, version: int) -> None:
        record = state.known(version)
        try:
            load_bundle(self.storage, version_folder(record.run_id), record.digest)
        except BundleError as error:
            fault = str(error).removesuffix(f"; {WAY_OUT}")
            others = ", ".join(str(number) for number in state.versions if number != version)
            raise BundleError(
                f"version {version} cannot answer and nothing was changed: {fault}; "
                f"train again, or promote another version (there are: {others or 'none'})"
            ) from None


def version_folder(run_id: str) -> str:
    """Where the bundle of a run that became a version lies in the store."""
    return f"versions/{run_id}"
