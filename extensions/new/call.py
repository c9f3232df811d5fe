"""What is wrong with a call, said before Copier answers it with a traceback."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import yaml


class CallError(Exception):
    """Something about the call that the user can put right."""


def values(arguments: list[str], *options: str) -> Iterator[str]:
    """What stands after these options."""
    for word, following in zip(arguments, [*arguments[1:], ""], strict=True):
        if word in options:
            yield following
        for option in options:
            if word.startswith(f"{option}=") and option.startswith("--"):
                yield word.partition("=")[2]


def check(arguments: list[str]) -> None:
    """What Copier would answer with a traceback."""
    for pair in values(arguments, "-d", "--data"):
        if "=" not in pair:
            raise CallError(f"-d {pair}: not of the form QUESTION=ANSWER")
    for name in values(arguments, "--data-file"):
        if not Path(name).is_file():
            raise CallError(f"--data-file: there is no file {name}")
        try:
            found = yaml.safe_load(Path(name).read_text("utf-8"))
        except (yaml.YAMLError, UnicodeDecodeError) as problem:
            raise CallError(f"--data-file {name}: {' '.join(str(problem).split())}") from None
        if not isinstance(found, dict):
            raise CallError(f"--data-file {name}: it needs lines of the form QUESTION: ANSWER")
