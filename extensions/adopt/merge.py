"""Which file the project gets at every path, and why.

base: what the old template made; theirs: the project; ours: what this template makes.
"""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from extensions.adopt import unite
from extensions.adopt.trees import Entry, Tree, content, store

ATTIC = (".cruft.json",)  # the old engine's own; it has nothing to update any more
YOURS = ("LICENSE",)  # who may use the project is not for a template to change
BESIDE = ".template"


class Outcome(NamedTuple):
    """What the path holds from now on, which kind of decision that was, what a person must do."""

    entry: Entry | None
    kind: str
    hand: str = ""


class Trees(NamedTuple):
    """The clone that holds the objects, and the three sides."""

    clone: Path
    base: Tree
    theirs: Tree
    ours: Tree


def merge(trees: Trees) -> Iterator[tuple[str, Outcome]]:
    """A decision for every path of the three sides, and for copies that stand beside a file."""
    spelled = {path.casefold(): path for path in trees.ours}
    theirs = {
        path if path in trees.ours or spelled.get(path.casefold(), path) in trees.theirs
        else spelled[path.casefold()]: entry
        for path, entry in trees.theirs.items()
    }  # fmt: skip
    trees = trees._replace(theirs=theirs)
    for path in sorted({*trees.base, *theirs, *trees.ours}):
        if path in trees.ours and (above := blocker(path, theirs)):
            yield path, Outcome(None, "blocked", f"it has no place: {above} is yours")
            continue
        outcome = decide(trees, path)
        if outcome.kind == "beside":
            yield path + BESIDE, Outcome(trees.ours[path], "beside")
            outcome = Outcome(theirs[path], "yours", outcome.hand)
        yield path, outcome


def blocker(path: str, theirs: Tree) -> str:
    """A file, link or submodule of theirs where this path needs a folder, or the reverse."""
    parts = path.split("/")
    above = ("/".join(parts[:depth]) for depth in range(1, len(parts)))
    below = (name for name in theirs if name.startswith(path + "/"))
    return next((name for name in above if name in theirs), next(below, ""))


def decide(trees: Trees, path: str) -> Outcome:
    """Yours wins where nothing of it came from the old template; both sides' work is merged."""
    base, theirs, ours = (side.get(path) for side in trees[1:])
    untouched = same(trees.clone, base, theirs)
    if ours is None:
        if theirs is None:
            return Outcome(None, "nowhere")
        if path in ATTIC or untouched:
            return Outcome(None, "gone")
        hand = "of the old template, with your edits; this one has no such file" if base else ""
        return Outcome(theirs, "edited" if base else "yours", hand)
    if theirs is None:
        hand = "you had deleted it; this template brings its own" if base else ""
        return Outcome(ours, "new", hand)
    if same(trees.clone, theirs, ours) or path in YOURS or is_blank(trees, ours):
        return Outcome(theirs, "yours")
    if path in unite.LISTS or path in unite.PAGES or path in unite.TABLES:
        return both(trees, path, untouched)
    if untouched or is_blank(trees, theirs):
        return Outcome(ours, "replaced")
    return three_way(trees, path)


def same(clone: Path, one: Entry | None, other: Entry | None) -> bool:
    """Whether both are there and hold the same, ends of lines aside."""
    if one is None or other is None or one.is_file != other.is_file:
        return False
    if one.blob == other.blob:
        return True
    sides = [content(clone, side).replace(b"\r\n", b"\n") for side in (one, other)]
    return one.is_file and sides[0] == sides[1]


def is_blank(trees: Trees, entry: Entry) -> bool:
    """Whether it is a file without a word, such as most __init__.py."""
    return entry.is_file and not content(trees.clone, entry).strip()


def both(trees: Trees, path: str, untouched: bool) -> Outcome:
    """A file that can hold both sides; three_way() where one of them cannot be read."""
    theirs, ours = trees.theirs[path], trees.ours[path]
    if untouched and path not in unite.LISTS:
        return Outcome(ours, "replaced")
    try:
        if not theirs.is_file:
            raise ValueError("a link")
        texts = [content(trees.clone, side.get(path)).decode() for side in trees[1:]]
        if path in unite.LISTS:
            text, hand = unite.lines(path, *texts[1:]), ""
        elif path in unite.PAGES:
            text, hand = unite.page(*texts[1:]), "your text, then the template's: make one of it"
        else:
            text, hand = unite.table(*texts)
    except ValueError:
        return three_way(trees, path)
    return Outcome(store(trees.clone, text.encode(), ours.mode), "united", hand)


def three_way(trees: Trees, path: str) -> Outcome:
    """Git's own merge; with no common base, or where it is no text, ours stands beside theirs."""
    sides = [side.get(path) for side in trees[1:]]
    texts = [content(trees.clone, side).replace(b"\r\n", b"\n") for side in sides]
    beside = f"yours stays; merge {path + BESIDE} into it, then delete that"
    if not all(side and side.is_file for side in sides) or b"\0" in b"".join(texts):  # or no base
        return Outcome(None, "beside", beside)
    files = [trees.clone / f"merge.{number}" for number in range(3)]
    for file, text in zip(files, texts, strict=True):
        file.write_bytes(text)
    names = ("-L", "yours", "-L", "the old template", "-L", "copier-ml")
    base, theirs, ours = map(str, files)
    done = subprocess.run(
        ["git", "merge-file", "-p", *names, theirs, base, ours], capture_output=True
    )
    if done.returncode > 127:
        return Outcome(None, "beside", beside)
    entry = store(trees.clone, done.stdout, trees.theirs[path].mode)
    if done.returncode == 0:
        return Outcome(entry, "merged")
    return Outcome(entry, "conflict", "resolve the marked conflict")
