"""What each job asks for: the groups of pyproject.toml, one inside another where they say so."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any


class LockError(Exception):
    """What stands in the way of a lock; shown without a traceback."""


def groups(project: Mapping[str, Any]) -> dict[str, list[str]]:
    """The requirements of each job; `{include-group = "NAME"}` stands for those of that group.

    Raises LockError naming the group for one that is not there, that holds itself, or that has an
    entry of another kind.
    """
    listed = project["dependency-groups"]
    return {job: list(dict.fromkeys(requirements(listed, job, []))) for job in listed}


def requirements(listed: Mapping[str, list[Any]], group: str, inside: list[str]) -> Iterable[str]:
    """The requirements of one group, which was reached through the groups in `inside`."""
    trail = [*inside, normal(group)]
    if trail[-1] in inside:
        raise LockError(f"pyproject.toml: a group includes itself: {' -> '.join(trail)}")
    for wanted in listed[group]:
        match wanted:
            case str():
                yield wanted
            case {"include-group": str(name), **more} if not more:
                found = next((each for each in listed if normal(each) == normal(name)), None)
                if found is None:
                    known = ", ".join(listed)
                    raise LockError(
                        f"pyproject.toml: the group {group!r} includes {name!r}, and there is no"
                        f" such group; there are: {known}"
                    )
                yield from requirements(listed, found, trail)
            case _:
                raise LockError(
                    f"pyproject.toml: the group {group!r} holds {wanted!r}; a group holds"
                    ' requirements and {include-group = "NAME"}'
                )


def normal(name: str) -> str:
    """The spelling that locks use: `Scikit_Learn` is `scikit-learn`."""
    return re.sub(r"[-_.]+", "-", name).lower()
