"""Which release a project goes to, and what the changelog says to its owner."""

from __future__ import annotations

import re
from pathlib import Path

from template.tools.template import TemplateError, newest, tags, version

CHANGELOG = Path(__file__).parent.parent.parent / "CHANGELOG.md"


def target(source: str, commit: str, to: str, *, answered: bool) -> str:
    """The release to go to: none if there is nothing to do."""
    known = tags(source)
    if to and to not in known:
        latest = newest(known, "") or "none"
        raise TemplateError(f"there is no release {to}; the newest is {latest}")
    return to or newest(known, commit) or (commit if answered else "")


def news(old: str, new: str) -> str:
    """What the changelog says about the releases after `old`, up to `new`."""
    return changes(CHANGELOG.read_text("utf-8"), version(old), version(new))


def changes(changelog: str, after: tuple[int, ...], until: tuple[int, ...]) -> str:
    """The sections of a changelog between two versions; no line begins as a comment of git."""
    sections = re.split(r"(?m)^(?=## )", changelog)[1:]
    versions = [version(section.split()[1]) for section in sections]
    pairs = zip(sections, versions, strict=True)
    return "\n\n".join(text[3:].strip() for text, its in pairs if after < its <= until)
