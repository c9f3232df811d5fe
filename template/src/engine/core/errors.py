"""What can go wrong, as a tree; every message names the thing, the value, the rule and the way out.

ProjectError
├── ContractError       contract.toml is wrong, or does not fit the data
├── DataError           rows break the contract, or cannot be read
├── AppError            a file of src/app lacks what the engine takes from it
├── SettingsError       settings.toml or an APP_ variable is wrong
├── StorageError        a path or URL cannot be read or written
├── BundleError         a model bundle is missing, truncated or altered
├── RegistryError       no such version, or nothing to roll back to
├── RunError            no such run, or a run that cannot be repeated
├── GateFailed          a model was trained and found wanting (exit code 3)
├── AlarmRaised         monitoring found something (exit code 2)
└── RequestError        a request breaks the contract; carries one problem per fault
"""

import os
import sys
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import asdict, dataclass
from typing import Any

from engine.core.terminal import printable, say


class ProjectError(Exception):
    """Something a person can mend; shown as one message without a traceback."""

    exit_code = 1


class ContractError(ProjectError):
    """The contract cannot be read, contradicts itself or does not fit the data."""


class DataError(ProjectError):
    """The data cannot be read or break the contract."""


class AppError(ProjectError):
    """A file of src/app is missing, or lacks a function that the engine takes from it."""


class SettingsError(ProjectError):
    """A setting is unknown or has a value it may not have."""


class StorageError(ProjectError):
    """A path or URL cannot be read or written."""


class NoRoomError(StorageError):
    """The disk is full, or nothing may be written there: another attempt will not help."""


class BundleError(ProjectError):
    """A bundle is missing, truncated or altered; nothing of it is used."""


class RegistryError(ProjectError):
    """The registry has no such version, or the step asked for is not possible."""


class RunError(ProjectError):
    """There is no such run, or it cannot be repeated."""


class GateFailed(ProjectError):  # noqa: N818 - it says what happened
    """The model was trained, but a gate holds it back."""

    exit_code = 3


class AlarmRaised(ProjectError):  # noqa: N818 - it says what happened
    """Monitoring found something a person should look at."""

    exit_code = 2


@dataclass(frozen=True)
class Problem:
    """One fault in a request: which row and column, which rule, which value."""

    rule: str
    detail: str
    row: int | None = None
    column: str | None = None
    value: Any = None

    def as_dict(self) -> dict[str, Any]:
        """The fault as the entry of a problem document, without empty fields."""
        return {key: value for key, value in asdict(self).items() if value is not None}


class RequestError(ProjectError):
    """A request that the contract forbids, with every fault that was found.

    `malformed` tells a body that is no JSON at all from one whose values are wrong.
    """

    def __init__(self, problems: list[Problem], *, malformed: bool = False) -> None:
        super().__init__("; ".join(problem.detail for problem in problems))
        self.problems = problems
        self.malformed = malformed


def shown(verb: str, run: Callable[[], int]) -> int:
    """The exit code of a command; a mistake of the user ends as one message, not as a traceback.

    Names and values of the data reach the terminal as text that cannot steer it.
    """
    with redirect_stdout(printable(sys.stdout)), redirect_stderr(printable(sys.stderr)):
        try:
            return run()
        except ProjectError as error:
            say(f"{verb}: {error}", sys.stderr, "bad")
            return error.exit_code
        except KeyboardInterrupt:
            return 130
        except BrokenPipeError:  # whoever reads has seen enough, as `head` does
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return 141
