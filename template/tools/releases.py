"""Releases of the template: where they are, how they compare, what they say to owners."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

Version = tuple[int, ...]


def address(source: str) -> str:
    """The address as git knows it; copier also takes gh:, gl: and git+ in front."""
    for short, host in (("gh:", "github.com"), ("gl:", "gitlab.com")):
        if source.startswith(short):
            path = source.removeprefix(short).removesuffix(".git")
            return f"https://{host}/{path}.git"
    return source.removeprefix("git+")


def field(answers: str, name: str) -> str:
    """A text that copier wrote into its answers file."""
    found = re.search(rf"^{name}: (.+)$", answers, re.MULTILINE)
    return found[1].strip("'\"") if found else ""


def releases(listing: str) -> dict[str, Version]:
    """The releases among the tags that git lists; pre-releases are passed over."""
    tags = re.findall(r"refs/tags/(\S+)$", listing, re.MULTILINE)
    return {tag: version for tag in tags if "-" not in tag and (version := release(tag))}


def release(tag: str) -> Version | None:
    """`v1.2.0` or `v1.2.0-3-gabc123` (three commits later) as (1, 2, 0)."""
    found = re.fullmatch(r"v?(\d+(?:\.\d+)+)(?:-\d+-g[0-9a-f]+)?", tag)
    return tuple(int(part) for part in found[1].split(".")) if found else None


def news(clone: Path, source: str, old: str, new: str) -> str:
    """What the template's changelog says about the releases after `old`, up to `new`."""
    call = ["git", "fetch", "--quiet", "--no-tags", address(source), f"refs/tags/{new}"]
    show = ["git", "show", "FETCH_HEAD:CHANGELOG.md"]
    if subprocess.run(call, cwd=clone, capture_output=True).returncode:
        return ""
    shown = subprocess.run(show, cwd=clone, capture_output=True)
    return changes(shown.stdout.decode(), release(old) or (), release(new) or ())


def changes(changelog: str, after: Version, until: Version) -> str:
    """The sections of a changelog between two versions; no line begins as a comment of git."""
    sections = re.split(r"(?m)^(?=## )", changelog)[1:]
    versions = [release(section.split()[1]) or () for section in sections]
    pairs = zip(sections, versions, strict=True)
    return "\n\n".join(text[3:].strip() for text, version in pairs if after < version <= until)
