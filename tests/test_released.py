"""What somebody made from the newest release, or where there is none from the last commit, updates
to the working tree; a path that has gone since then is lost to nobody.
"""

from __future__ import annotations

from pathlib import Path

import copier

from extensions.release import promised
from template.tools.template import newest, releases

from . import owner
from .conftest import ROOT, git
from .releases import commit, render_at, tree
from .test_template_verb import ask


def own(folder: Path) -> None:
    """What no release touches."""
    (folder / "src/app/mine.py").write_text("NUMBER = 1\n", "utf-8")
    (folder / "contract.toml").write_text("# wholly my own\n", "utf-8")


def test_the_newest_release_updates_to_the_working_tree(template: Path, tmp_path: Path) -> None:
    known = releases(str(ROOT))
    start = known.get(newest(known)) or git(template, "rev-parse", "HEAD~1").strip()
    listed = (
        promised(template, start) if newest(known) else []
    )  # before, paths are promised to none
    gone = [path[1:] for path in listed if path not in promised(template)]
    first = render_at(template, start, tmp_path / "first", {})

    project = owner.adopt(render_at(template, start, tmp_path / "demo", {}), own)
    done = ask(project, "update", "--no-tests")
    assert done.returncode == 0, done.stdout + done.stderr
    git(project, "merge", "--quiet", "template-v99.0.0")
    expected = render_at(template, "v99.0.0", tmp_path / "fresh", {})
    own(expected)
    assert tree(project) == tree(expected)

    edited = [path for path in gone if (first / path).is_file()]
    for path in edited:
        owner.append(first / path, "# ours\n")
    git(first, "init", "--quiet")
    commit(first, "our edits")
    copier.run_update(first, vcs_ref="v99.0.0", defaults=True, overwrite=True, quiet=True)
    assert all("# ours" in (first / path).read_text("utf-8") for path in edited)
