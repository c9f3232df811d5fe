"""The registry's states: a row of numbered files, each the whole state; the last one counts.

A change adds the next number, which only one process can do. So nothing is ever locked, and a
process that dies at any point leaves the old state or the new one, never a half.
"""

import getpass
import random
import re
import time
import uuid
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import UTC, datetime

import msgspec

from engine.core.errors import RegistryError, StorageError
from engine.core.storage import Storage

FOLDER = "registry"
NAME = re.compile(r"\d{8,}\.json")
ATTEMPTS = 50  # others may win the next number a few times; so often, something is wrong


class Version(msgspec.Struct, frozen=True):
    """An immutable bundle with a number."""

    run_id: str
    digest: str
    created: str
    metrics: dict[str, float | None]


class Event(msgspec.Struct, frozen=True):
    """One line of the audit trail."""

    at: str
    action: str
    version: int
    before: int | None
    by: str
    reason: str = ""


class State(msgspec.Struct):
    """All of the registry that changes.

    `champions` is a stack: the last entry answers, promotion pushes, rollback pops. So there are
    never two champions, and never none again once there was one.
    """

    versions: dict[int, Version] = {}
    champions: list[int] = []
    challenger: int | None = None
    history: list[Event] = []
    number: int = 0
    """How many changes made this state."""
    mark: str = ""
    """By which the process that made the state knows its own."""

    @property
    def champion(self) -> int | None:
        """The version that answers."""
        return self.champions[-1] if self.champions else None

    def known(self, version: int) -> Version:
        """The record of a version; RegistryError when there is none of this number."""
        if version not in self.versions:
            known = ", ".join(map(str, self.versions)) or "none"
            raise RegistryError(f"there is no version {version}; known: {known}")
        return self.versions[version]

    def note(self, action: str, version: int, before: int | None, reason: str = "") -> None:
        """Add a line to the audit trail."""
        self.history.append(Event(now(), action, version, before, _who(), reason))


def read(storage: Storage) -> State:
    """The latest state; an empty one when nothing was registered yet."""
    names = _newest_first(storage)
    return _read(storage, names[0]) if names else State()


def read_sound(storage: Storage) -> State:
    """The latest state that is not broken, for a server that has to answer meanwhile."""
    for name in _newest_first(storage):
        with suppress(RegistryError, StorageError):
            return _read(storage, name)
    return State()


def _newest_first(storage: Storage) -> list[str]:
    names = [name for name in storage.list(FOLDER) if NAME.fullmatch(name)]
    return sorted(names, key=_number, reverse=True)


def _read(storage: Storage, name: str) -> State:
    try:
        state = msgspec.json.decode(storage.read(f"{FOLDER}/{name}"), type=State)
    except msgspec.DecodeError as error:
        fault = str(error)
    else:
        if state.number == _number(name):
            return state
        fault = f"it says that it is number {state.number}"
    raise RegistryError(
        f"{storage.url}/{FOLDER}/{name} is broken ({fault}); "
        "delete it to return to the state before"
    )


def _number(name: str) -> int:
    return int(name.partition(".")[0])


def change(storage: Storage, step: Callable[[State], int]) -> int:
    """Apply a step to the latest state and add the result, again if another process came first.

    Returns what the step returns, the version it dealt with. A step that raises changes nothing.
    """
    for attempt in range(ATTEMPTS):
        state = read(storage)
        version = step(state)
        state.number, state.mark = state.number + 1, uuid.uuid4().hex
        content = msgspec.json.format(msgspec.json.encode(state), indent=2)
        if storage.create(f"{FOLDER}/{state.number:08d}.json", content):
            storage.clear()
            return version
        # Two of one pace would meet again at every turn, and always in the same order.
        time.sleep(random.uniform(0, 0.002 * min(attempt + 1, 50)))
    raise RegistryError(
        f"{storage.url}/{FOLDER} was changed by others {ATTEMPTS} times in a row; try again"
    )


def table(state: State) -> str:
    """The versions with their parts, and the audit trail, oldest first."""
    if not state.history:
        return "nothing was registered yet; make a first version with: python3 run.py up"
    parts = {state.challenger: "challenger", state.champion: "champion"}
    rows = [("version", "run", "registered", "part")]
    rows += [
        (str(number), version.run_id, version.created, parts.get(number, ""))
        for number, version in state.versions.items()
    ]
    trail = [("when", "what", "version", "before", "by", "reason")]
    trail += [
        (e.at, e.action, str(e.version), str(e.before or ""), e.by, e.reason) for e in state.history
    ]
    return f"{aligned(rows)}\n\n{aligned(trail)}"


def aligned(rows: Sequence[tuple[str, ...]]) -> str:
    """Rows of text in columns of equal width."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ("  ".join(map(str.ljust, row, widths)) for row in rows)
    return "\n".join(line.rstrip() for line in lines)


def now() -> str:
    """This moment in UTC, to the second."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def _who() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # no such user, as in a slim container
        return "unknown"
