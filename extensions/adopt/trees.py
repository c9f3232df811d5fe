"""Git trees as mappings from a path to what is there; nothing is checked out."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import NamedTuple

FILE, PROGRAM = "100644", "100755"


class AdoptError(Exception):
    """What stands in the way; shown without a traceback."""


class Entry(NamedTuple):
    """One file, link or submodule, as git stores it."""

    mode: str
    blob: str

    @property
    def is_file(self) -> bool:
        """Whether it is a regular file: neither a link nor a submodule."""
        return self.mode in (FILE, PROGRAM)


Tree = dict[str, Entry]


def raw(folder: Path, *words: str, given: bytes = b"", **environment: str) -> bytes:
    """What a git command prints; the last line it says is the reason why it failed."""
    done = subprocess.run(
        ["git", *words], cwd=folder, input=given, capture_output=True, env=os.environ | environment
    )
    if done.returncode:
        said = done.stderr.decode(errors="replace").strip().splitlines() or ["no reason given"]
        raise AdoptError(f"git {words[0]} failed: {said[-1]}")
    return done.stdout


def git(folder: Path, *words: str, given: str = "", **environment: str) -> str:
    """One git command, in text."""
    return os.fsdecode(raw(folder, *words, given=os.fsencode(given), **environment)).strip()


def read(folder: Path, commit: str) -> Tree:
    """Every path of a commit or tree."""
    found = {}
    for line in filter(None, raw(folder, "ls-tree", "-rz", "--full-tree", commit).split(b"\0")):
        facts, _, path = line.partition(b"\t")
        mode, _, blob = facts.decode().split()
        found[os.fsdecode(path)] = Entry(mode, blob)
    return found


def content(folder: Path, entry: Entry | None) -> bytes:
    """What a file holds; nothing where there is none."""
    return raw(folder, "cat-file", "blob", entry.blob) if entry and entry.is_file else b""


def store(folder: Path, text: bytes, mode: str = FILE) -> Entry:
    """New content, as an object of this repository."""
    blob = raw(folder, "hash-object", "-w", "--stdin", given=text).decode().strip()
    return Entry(mode, blob)


def snapshot(clone: Path, folder: Path) -> Tree:
    """The files of a folder, ignored ones too."""
    index = {"GIT_DIR": str(clone / ".git"), "GIT_INDEX_FILE": str(folder) + ".index"}
    git(folder, "--work-tree=.", "add", "--all", "--force", ".", **index)
    return read(clone, git(folder, "write-tree", **index))


def write(clone: Path, tree: Tree) -> str:
    """The tree object for these paths."""
    index = {"GIT_INDEX_FILE": str(clone.with_suffix(".index"))}
    rows = "".join(f"{entry.mode} {entry.blob}\t{path}\0" for path, entry in tree.items())
    git(clone, "update-index", "-z", "--index-info", given=rows, **index)
    return git(clone, "write-tree", **index)
