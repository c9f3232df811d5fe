"""The verb `deploy`: check what lies under deploy/, or hand it to the platform's own tool.

`target.py` comes with the platform. It offers NAME, STAGES, PROGRAMS, `checks()` and
`steps(stage, image)`; everything else here is the same for all of them.
"""

import shlex
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple, Protocol

from engine.core.errors import ProjectError

ROOT = Path(__file__).resolve().parents[2]
DEPLOY = ROOT / "deploy"


def read_text(path: Path) -> str:
    """The text of a file.

    Raises ProjectError naming the file, where it is not there or no UTF-8.
    """
    try:
        return path.read_text("utf-8")
    except UnicodeDecodeError as error:
        raise ProjectError(f"{path.name} is no text: byte {error.start} is not UTF-8") from None
    except OSError as error:
        raise ProjectError(f"{'/'.join(path.parts[-3:])}: {error.strerror}") from None


class Check(NamedTuple):
    """One look at the files, without a network; it gives what is wrong."""

    what: str
    look: Callable[[], Iterable[str]]


class Step(NamedTuple):
    """One command of the platform's own tool, run from the top folder of the project."""

    what: str
    command: list[str]
    environment: Mapping[str, str] = MappingProxyType({})
    """What the command is told beside what this process was told."""

    def __str__(self) -> str:
        told = [f"{name}={shlex.quote(value)}" for name, value in self.environment.items()]
        return " ".join([*told, shlex.join(self.command)])


class Target(Protocol):
    """What a platform brings."""

    NAME: str
    """As people call it."""
    STAGES: tuple[str, ...]
    """Where it can be put, such as dev, staging and prod; the first one is the default."""
    PROGRAMS: Mapping[str, str]
    """What must be on the PATH to deploy, and where it comes from."""

    def checks(self) -> list[Check]:
        """What can be said of the files on any machine."""

    def steps(self, stage: str, image: str) -> list[Step]:
        """What deploying is, in order."""
