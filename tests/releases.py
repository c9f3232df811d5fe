"""Two releases in a scratch clone: NOW is the working tree, NEXT is what could follow it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import copier

from extensions.release import wanted
from template.tools.template import version

from .conftest import ROOT, git, snapshot

NOW = "v" + wanted(ROOT)  # from pyproject.toml, so that no release has to touch a test
MAJOR, MINOR, *_ = version(NOW)
NEXT, LATER = (f"v{MAJOR}.{MINOR + more}.0" for more in (1, 2))

REMOVED = "tools/leftovers.py"
RENAMED = ("docs/runbook.md", "docs/on-call.md")
MOVED = (RENAMED[1], "docs/alarms.md")
TABULAR = "{{ use.kind_tabular }}"  # whose these pages are
BUMP = ("msgspec", "0.99.1")  # a new pin


def replace(path: Path, old: str, new: str) -> None:
    """Change the one place of a file that reads `old`."""
    text = path.read_text("utf-8")
    assert text.count(old) == 1, f"{path.name} holds {old!r} {text.count(old)} times"
    path.write_text(text.replace(old, new), encoding="utf-8", newline="\n")


def commit(folder: Path, message: str, tag: str = "") -> None:
    """Everything in the folder, as a commit."""
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--no-verify", "--allow-empty", "--message", message)
    if tag:
        git(folder, "tag", tag)


def name_of(source: Path) -> str:
    """What Copier records of the commit that is checked out."""
    return git(source, "describe", "--tags", "--always").strip()


def digits_only(source: Path) -> str:
    """Commit once more until the commit's short name is one that YAML takes for a number."""
    for attempt in range(5000):  # one name of 27 or 43 is, by its length
        if (name := name_of(source)).isdigit():
            return name
        say = ["--quiet", "--no-verify", "--allow-empty", "--message", f"{attempt}"]
        git(source, "commit", "--amend", *say)
    raise AssertionError("no commit of 5000 has a name of digits")


def bring(source: Path, name: str) -> None:
    """Let pyproject.toml name another version than that of the working tree."""
    replace(source / "pyproject.toml", f'version = "{NOW[1:]}"', f'version = "{name[1:]}"')


def publish(target: Path, change: Callable[[Path], None] | None = None) -> Path:
    """A template repository with both releases; `change` is what the second one does."""
    snapshot(target)
    git(target, "tag", "--delete", *git(target, "tag").split())
    git(target, "tag", NOW)
    (change or everything)(target)
    commit(target, "what could follow", NEXT)
    return target


def move(source: Path) -> Path:
    """A third release, which moves a file and says so with a migration."""
    git(source, "mv", *(f"template/{TABULAR}/{path}.jinja" for path in MOVED))
    words = ["{{ _copier_python }}", "{{ _copier_conf.src_path }}/hooks/migrate.py", *MOVED]
    migration = {"version": LATER, "when": "{{ _stage == 'before' }}", "command": words}
    migrations = f"_migrations: {json.dumps([migration])}\n_exclude:"
    replace(source / "copier.yml", "\n_exclude:", "\n" + migrations)
    commit(source, "a file moves", LATER)
    return source


def grow(source: Path) -> None:
    """Changed lines, new files, a question and an option: the tests of a repository pass."""
    shared = source / "template"
    replace(shared / ".gitignore.jinja", ".hypothesis/\n", ".hypothesis/\n.coverage\n")
    (shared / "docs/handover.md.jinja").write_text("Alarms go to {{ alert_channel }}.\n", "utf-8")
    page = shared / "docs/change-it.md.jinja"
    page.write_text("A line.\n" + page.read_text("utf-8"), encoding="utf-8", newline="\n")
    news = f"## {NEXT[1:]}\n\n- A page on handing over.\n\nWhat you must do: nothing.\n\n"
    log = source / "CHANGELOG.md"
    text = log.read_text("utf-8").replace("## ", news + "## ", 1)
    log.write_text(text, encoding="utf-8", newline="\n")
    ask(source)
    offer(source)


def everything(source: Path) -> None:
    """As grow(); also other samples, a removed and a renamed file, and a pin that nobody has."""
    grow(source)
    shared = source / "template"
    (shared / "tools/__init__.py").write_text('"""Written anew."""\n', "utf-8")
    for sample in shared.glob("*/contract.toml.jinja"):
        sample.write_text("# Written anew.\n" + sample.read_text("utf-8"), "utf-8")
    (shared / REMOVED).unlink()
    git(source, "mv", *(f"template/{TABULAR}/{path}.jinja" for path in RENAMED))
    replace(shared / TABULAR / f"{RENAMED[1]}.jinja", "# Runbook\n", "# On call\n")
    bury(source, REMOVED, RENAMED[0])
    bump(source)


def bury(source: Path, *paths: str) -> None:
    """List removed paths in _exclude, so that an update leaves them where they are."""
    lines = "".join(f'  - "/{path}"\n' for path in paths)
    replace(source / "copier.yml", '  - "*.egg-info"\n', f'  - "*.egg-info"\n{lines}')


def ask(source: Path) -> None:
    """A new question, with a default."""
    replace(
        source / "copier.yml", "      owner: 200\n", "      owner: 200\n      alert_channel: 200\n"
    )
    question = "alert_channel: {type: str, help: 'Who hears alarms?', default: email}\n\nlicence:\n"
    replace(source / "copier.yml", "\nlicence:\n", f"\n{question}")


def offer(source: Path) -> None:
    """A new option: the record of the local store under another name, with a file of its own."""
    path = source / "catalogue/artifact_store.yml"
    text = path.read_text("utf-8")
    found = re.search(r"(?ms)^  local:\n.*?(?=^  \w+:\n)", text)
    assert found
    record = found[0].replace("  local:", "  shelf:", 1).replace("folder: false", "folder: true")
    path.write_text(text.replace(found[0], found[0] + record), encoding="utf-8", newline="\n")
    own = source / "template/{{ use.artifact_store_shelf }}/docs/shelf.md"
    own.parent.mkdir(parents=True)
    own.write_text("Models stand on a shelf.\n", "utf-8")


def bump(source: Path) -> None:
    """One package in a newer version, in pyproject.toml and in the locks."""
    name, version = BUMP
    for path in (source / "extensions/locks").glob("py3*.jinja"):
        text = re.sub(rf'"{name}==[\d.]+"', f'"{name}=={version}"', path.read_text("utf-8"))
        text = re.sub(rf"(?m)^{name}==[\d.]+\|", f"{name}=={version}|", text)
        path.write_text(text, encoding="utf-8", newline="\n")


def render_at(source: Path | str, tag: str, target: Path, answers: dict[str, Any]) -> Path:
    """A fresh render of one release."""
    copier.run_copy(
        str(source), target, data=answers, vcs_ref=tag, defaults=True, quiet=True, unsafe=False,
        settings=copier.Settings(), user_defaults={"project_name": "My model"},
    )  # fmt: skip
    return target


def tree(folder: Path) -> dict[str, str]:
    """Every file and what is in it, without git's own and compiled ones."""
    return {
        path.relative_to(folder).as_posix(): path.read_text("utf-8")
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not {".git", "__pycache__"} & {*path.relative_to(folder).parts}
    }
