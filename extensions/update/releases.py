"""Which release a project goes to, and what the changelog says to its owner."""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

from template.tools.template import Place, TemplateError, newest, releases, version

CHANGELOG = Path(__file__).parent.parent.parent / "CHANGELOG.md"


class Step(NamedTuple):
    """From the commit that a project records to another, by their names and by their hashes."""

    old: str
    old_commit: str
    new: str
    new_commit: str


def step(template: Path, here: Place, to: str, *, answered: bool) -> Step | None:
    """The way to go: none if there is nothing to do."""
    known = releases(str(template))
    to = "v" + to if to and "v" + to in known else to
    if to and to not in known:
        raise TemplateError(f"there is no release {to}; the newest is {newest(known) or 'none'}")
    old = here.name if here.later or not here.release else here.release
    new = to or here.newer or (old if answered else "")
    return Step(old, here.commit, new, known.get(new, here.commit)) if new else None


def news(here: Place, new: str) -> str:
    """What the changelog says about the releases after the one at hand, up to `new`."""
    return changes(CHANGELOG.read_text("utf-8"), version(here.release), version(new))


def changes(changelog: str, after: tuple[int, ...], until: tuple[int, ...]) -> str:
    """The sections of a changelog between two versions; no line begins as a comment of git."""
    sections = re.split(r"(?m)^(?=## )", changelog)[1:]
    versions = [version(section.split()[1]) for section in sections]
    pairs = zip(sections, versions, strict=True)
    return "\n\n".join(text[3:].strip() for text, its in pairs if after < its <= until)
