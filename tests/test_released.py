"""What somebody made from a release updates to the working tree; a path that has gone since then is
lost to nobody.
"""

from __future__ import annotations

import re
from pathlib import Path

import copier
import pytest

from extensions.release import promised
from template.tools.template import releases, version

from . import owner
from .conftest import ROOT, git
from .releases import commit, render_at, tree
from .test_template_verb import ask

RELEASED = releases(str(ROOT))
NAMES = sorted(filter(version, RELEASED), key=version)
STARTS = [
    pytest.param(name, mode, marks=[] if name in NAMES[-2:] else pytest.mark.full)
    for name in NAMES
    for mode in ("real_time", "batch", "edge")
]
SETTING = re.compile(r'(?m)^(\w+)( += +)("[^"\n]*"|[\d.]+|true|false)')


def settings(folder: Path) -> set[str]:
    """The settings that a render names."""
    return {name for name, _, _ in SETTING.findall((folder / "settings.toml").read_text("utf-8"))}


def own(folder: Path, known: set[str]) -> None:
    """What no release touches: code, contract, test and text, and other values of all settings."""
    (folder / "src/app/mine.py").write_text("NUMBER = 1\n", "utf-8")
    owner.append(folder / "src/app/features.py", "\n\ndef mine() -> str:\n    return 'mine'\n")
    (folder / "contract.toml").write_text("# wholly my own\n", "utf-8")
    (folder / "tests/test_mine.py").write_text("def test_mine() -> None:\n    assert 1\n", "utf-8")
    owner.append(folder / "README.md", "\n## Ours\n\nA paragraph of our own.\n")
    path = folder / "settings.toml"
    text = SETTING.sub(
        lambda it: f"{it[1]}{it[2]}<mine>" if it[1] in known else it[0], path.read_text("utf-8")
    )
    path.write_text(text, encoding="utf-8", newline="\n")


@pytest.mark.parametrize(("name", "mode"), STARTS)
def test_a_release_updates_to_the_working_tree(
    template: Path, tmp_path: Path, name: str, mode: str
) -> None:
    start, answers = RELEASED[name], {"mode": mode}
    gone = {path[1:] for path in promised(template, start)} - {
        path[1:] for path in promised(template)
    }
    first = render_at(template, start, tmp_path / "first", answers)
    known = settings(first)

    project = render_at(template, start, tmp_path / "demo", answers)
    owner.adopt(project, lambda folder: own(folder, known))
    done = ask(project, "update", "--no-tests")
    assert done.returncode == 0, done.stdout + done.stderr
    git(project, "merge", "--quiet", "template-v99.0.0")
    expected = render_at(template, "v99.0.0", tmp_path / "fresh", answers)
    assert {"name", "store"} < known <= settings(expected)
    own(expected, known)
    assert tree(project) == tree(expected)

    edited = [path for path in gone if (first / path).is_file()]
    for path in edited:
        owner.append(first / path, "# ours\n")
    git(first, "init", "--quiet")
    commit(first, "our edits")
    copier.run_update(first, vcs_ref="v99.0.0", defaults=True, overwrite=True, quiet=True)
    assert all("# ours" in (first / path).read_text("utf-8") for path in edited)
