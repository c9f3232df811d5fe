"""Another kind of problem, for which no model, tracking or feature store is there, has its place.

What the shared part of the template knows of tables shows here: such a render would not come up.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from .conftest import ROOT, git, render_to, snapshot

RECORD = {
    "label": "An echo",
    "when": "somebody wants to hear it again",
    "problem": "Say it again.",
    "how": "With a word in front of it.",
    "trade_offs": "Nothing is learnt.",
    "rejected": {"tabular": "There is no table."},
    "revisit_when": "somebody wants to learn something.",
}
EMPTY = ("model", "tracking", "feature_store", "monitoring")
MINOR = "{}.{}".format(*sys.version_info)
pytestmark = pytest.mark.xdist_group("made-up kind")


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A render for the problem `echo`, of the kind `echo`."""
    clone = snapshot(tmp_path_factory.mktemp("kind") / "copier-ml")
    folder = clone / "template" / "{{ use.kind_echo }}"
    shutil.copytree(ROOT / "tests/made_up_kind", folder, ignore=shutil.ignore_patterns("__py*"))
    verb = {"jobs": ["serve"], "help": "serve"}
    for seam, more in (
        ("problem", {"kind": "echo", "folder": False}),
        ("kind", {"verbs": {"up": verb}}),
    ):
        path = clone / f"catalogue/{seam}.yml"
        found = yaml.safe_load(path.read_text("utf-8"))
        found["options"]["echo"] = RECORD | more
        path.write_text(yaml.safe_dump(found, sort_keys=False), encoding="utf-8")
    git(clone, "add", "--all")
    git(clone, "commit", "--quiet", "--message", "another kind")
    git(clone, "tag", "v99.1.0")
    target = tmp_path_factory.mktemp("echo") / "demo"
    render_to(clone, target, {"problem": "echo", "python_minor": MINOR})
    git(target, "init", "--quiet")
    git(target, "add", "--all")
    git(target, "commit", "--quiet", "--message", "start")
    return target


def verb(project: Path, *words: str) -> str:
    """What a verb of the render prints; a failing one fails the test."""
    ours = ("APP_", "PYTEST_", "GIT_", "VIRTUAL_ENV", "PYTHONPATH")
    environment = {k: v for k, v in os.environ.items() if not k.startswith(ours)}
    path = os.pathsep.join([str(Path(sys.executable).parent), environment["PATH"]])  # uv is there
    environment |= {"APP_PORT": "0", "PATH": path}
    call = [sys.executable, "run.py", *words]
    done = subprocess.run(call, cwd=project, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, (done.stdout + done.stderr)[-4000:]
    return done.stdout


@pytest.mark.parametrize("seam", EMPTY)
def test_a_seam_without_an_option_leaves_nothing(project: Path, seam: str) -> None:
    answers = (project / ".copier-answers.yml").read_text("utf-8")

    assert f"\n{seam}:" not in answers
    assert not (project / f"docs/decisions/{seam.replace('_', '-')}.md").exists()


def test_nothing_of_tables_is_there(project: Path) -> None:
    files = {path.relative_to(project).as_posix() for path in project.rglob("*") if path.is_file()}
    shared = {f for f in files if f.startswith(("src/", "tests/", "tools/", "deploy/"))}
    names = ("contract.toml", "params.toml", "pandera", "onnx")

    assert not {f for f in files if f.endswith(names)}
    assert not {f for f in shared if "training" in f or "monitoring" in f or "draft" in f}
    lock = (project / "requirements.lock").read_text("utf-8")
    assert not [
        name for name in ("onnxruntime", "pandas", "numpy", "pyarrow") if f"\n{name}==" in lock
    ]


def test_it_comes_up_and_its_tests_pass(project: Path) -> None:
    assert "You said: predict" in verb(project, "up", "--once")
    verb(project, "test")
    verb(project, "check")
