"""Where a new repository gets its updates from, written down so that others can reach it.

Copier records the folder that it copied from. A clone knows a better address: its origin.
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

from template.tools.template import ANSWERS, TemplateError, is_local, newest, place, releases

ROOT = Path(__file__).resolve().parent.parent
KNOWN = ("git@", "git://", "git+", "https://github.com/", "https://gitlab.com/")  # to Copier


def record(project: Path, root: Path = ROOT) -> list[str]:
    """Let the answers of a project just made from this clone name its origin; what there is to say.

    Returns a sentence for everything that stands in the way of an update, here or elsewhere.
    """
    answers = project / ANSWERS
    text = answers.read_text("utf-8") if answers.is_file() else ""
    found = dict(re.findall(r"(?m)^(_src_path|_commit): ['\"]?(.+?)['\"]?$", text))
    if found.get("_src_path") != str(root):
        return []
    if "_commit" not in found:
        return [
            f"{root} is no clone of git, so nothing says which release this is, and python3 run.py"
            " template cannot update it; git clone the template, and run new from there"
        ]
    source, name, said = origin(root) or str(root), found["_commit"], []
    if not git(root, "rev-parse", "--verify", "--quiet", name + "^{commit}"):
        name = git(root, "describe", "--tags", "--always")  # copier's own commit is nowhere
        said.append(f"what is not committed in {root} came along; an update takes it for your edit")
    for key, value in (("_src_path", source), ("_commit", name)):
        line = f"{key}: {quoted(value)}".replace("\\", r"\\")
        text = re.sub(rf"(?m)^{key}: .*$", line, text)
    answers.write_text(text, encoding="utf-8", newline="\n")
    return [*said, *warnings(root, source, name)]


def warnings(root: Path, source: str, name: str) -> Iterator[str]:
    """What keeps others, or another machine, from updating."""
    if is_local(source):
        yield (
            f"updates come from {source}, a folder of this machine; for others, write at"
            f" _src_path in {ANSWERS} an address that they reach"
        )
    if source == str(root):
        return
    commit = git(root, "rev-parse", name + "^{commit}")
    if not git(root, "for-each-ref", "--contains", commit, "refs/remotes/origin"):
        yield (
            f"{name} is on no branch of {source} that was fetched here; git push it there, or no"
            " update can begin from it"
        )


def origin(root: Path) -> str:
    """The address of this clone's origin as Copier takes it, without a password; or nothing."""
    url = git(root, "config", "--get", "remote.origin.url")  # as written: not as rewritten for us
    url = re.sub(r"^(https?://)[^/@]*@", r"\1", url)
    if url and not re.match("[^/]+:", url):
        url = (root / url).resolve().as_uri()  # Copier takes no bare repository by its path
    return url if not url or url.endswith(".git") or url.startswith(KNOWN) else "git+" + url


def release(root: Path = ROOT) -> str:
    """What this clone is: `v0.1.0`, `3 commits after v0.1.0`, or `commit abc1234`."""
    if not (name := git(root, "describe", "--tags", "--always")):
        return "no clone of git"
    try:
        if git(root, "rev-parse", "--is-shallow-repository") == "true":
            return f"{newest(releases(str(root))) or 'commit ' + name}, or later"
        return str(place(str(root), str(root), name))
    except TemplateError as problem:
        return str(problem)


def quoted(value: str) -> str:
    """A text as YAML takes it on one line."""
    plain = re.fullmatch(r"[A-Za-z/][\w./:@+~-]*", value) and not value.endswith(":")
    return value if plain else "'" + value.replace("'", "''") + "'"


def git(root: Path, *words: str) -> str:
    """What git prints, or nothing where it fails; only of this repository, not of one around it."""
    call = ["git", f"--git-dir={root / '.git'}", f"--work-tree={root}", *words]
    return subprocess.run(call, capture_output=True, text=True).stdout.strip()
