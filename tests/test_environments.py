"""What cannot share the environment gets a folder with its own lock.

The option is made up and lives in a clone. What it needs is real and cannot share ours: an old
protobuf, which is one package, and with --full Tecton, which needs that and 50 more.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import jinja2
import pytest
import yaml

from extensions.locks import apart, universe
from template.tools import lock

from .conftest import git, render_to, snapshot

MINOR = "{}.{}".format(*sys.version_info)


class Need(NamedTuple):
    """What the made-up option asks for, the package it is about, and how to import that."""

    requirements: list[str]
    package: str
    module: str


OLD = Need(["protobuf<5"], "protobuf", "google.protobuf")
# 1.2.13 names no upper bounds, and does not start with the newest pandas and pyarrow
TECTON = Need(["tecton>=1.2", "pandas<3", "pyarrow<21"], "tecton", "tecton")
NEEDS = [
    pytest.param(OLD, id="protobuf", marks=pytest.mark.xdist_group("apart-protobuf")),
    pytest.param(
        TECTON, id="tecton", marks=[pytest.mark.full, pytest.mark.xdist_group("apart-tecton")]
    ),
]
RECORD: dict[str, Any] = {
    "label": "Apart",
    "when": "a test needs it",
    "needs": {"python_minor": [MINOR]},
    "verbs": {
        "show": {
            "jobs": ["train"],
            "help": "print what was imported, and from where",
            "environment": "apart",
            "command": ["apart/show.py"],
        }
    },
    "problem": "A package needs versions that nobody else can live with.",
    "how": "It has a folder with its own lock.",
    "trade_offs": "A second environment.",
    "rejected": {"none": "It is needed."},
    "revisit_when": "it can live with the others.",
}
SCRIPT = "import {module} as found\n\nprint(found.__name__, found.__file__)\n"


@pytest.fixture(scope="module", params=NEEDS)
def need(request: pytest.FixtureRequest) -> Need:
    """Each in turn."""
    found: Need = request.param
    return found


@pytest.fixture(scope="module")
def clone(need: Need, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The template with one more option, `ci=apart`, locked."""
    clone = snapshot(tmp_path_factory.mktemp("apart") / "copier-ml")
    file = clone / "catalogue/ci.yml"
    seam = yaml.safe_load(file.read_text("utf-8"))
    record = RECORD | {"environments": {"apart": {"train": need.requirements}}}
    seam["options"]["apart"] = record
    file.write_text(yaml.safe_dump(seam, sort_keys=False), "utf-8")
    [environment] = apart.environments({"ci": seam}, clone)
    apart.lock(environment, False, "--python", sys.executable)
    script = SCRIPT.format(module=need.module)
    (clone / "template/{{ use.ci_apart }}/apart/show.py").write_text(script, "utf-8")
    git(clone, "add", "--all")
    git(clone, "commit", "--quiet", "--message", "an option apart")
    git(clone, "tag", "v99.1.0")
    yield clone
    shutil.rmtree(clone)


@pytest.fixture(scope="module")
def project(clone: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A repository with that option."""
    place = tmp_path_factory.mktemp("project") / "demo"
    yield render_to(clone, place, {"ci": "apart", "python_minor": MINOR})
    shutil.rmtree(place)


def test_it_cannot_share_the_environment(need: Need) -> None:
    locked = universe.read(MINOR)
    together = {
        "ours": [pin for pins in locked.direct.values() for pin in pins],
        "apart": need.requirements[:1],
    }

    with pytest.raises(lock.LockError, match="unsatisfiable") as refusal:
        lock.resolve(f"=={MINOR}.*", together, locked.pins, "--python", sys.executable)

    assert need.package in str(refusal.value)


def test_its_folder_has_a_lock_of_its_own(need: Need, project: Path) -> None:
    text = (project / "apart/requirements.lock").read_text("utf-8")
    there = lock.versions(lock.rows(text))
    here = lock.versions(lock.rows((project / "requirements.lock").read_text("utf-8")))
    pins = (project / "apart/pyproject.toml").read_text("utf-8")

    assert there["protobuf"].startswith("4.")
    assert not here["protobuf"].startswith("4.")
    assert f'"{need.package}=={there[need.package]}"' in pins
    assert text.count("    # for: train\n") == len(there)
    assert not re.search(r"://|\{%|\{\{", text + pins)


def test_locking_again_moves_nothing(project: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(project, tmp_path / "demo")
    before = {path.name: path.read_bytes() for path in (copy / "apart").iterdir()}

    done = subprocess.run(
        [sys.executable, "-m", "tools.lock", "--folder", "apart"],
        cwd=copy,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    assert "->" not in done.stdout
    assert {path.name: path.read_bytes() for path in (copy / "apart").iterdir()} == before
    assert (copy / "requirements.lock").read_bytes() == (project / "requirements.lock").read_bytes()


def test_its_verb_runs_in_its_own_environment(need: Need, project: Path) -> None:
    done = subprocess.run(
        [sys.executable, "run.py", "show"],
        cwd=project,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    module, file = done.stdout.split()
    assert module == need.module
    assert Path(file).is_relative_to(project / "apart/.venv")
    assert not (project / ".venv").exists()


def test_what_is_needed_beside_another_option_is_printed_only_there(tmp_path: Path) -> None:
    jobs = {"serve": ["packaging"], "artifact_store_s3": {"serve": ["idna"]}}
    record = {"environments": {"deploy/apart": jobs}, "needs": {"python_minor": [MINOR]}}
    found = {"base": {}, "ci": {"options": {"apart": record}}}
    [environment] = apart.environments(found, tmp_path)
    apart.lock(environment, False, "--python", sys.executable)
    jinja = jinja2.Environment(trim_blocks=True, keep_trailing_newline=True)

    def printed(name: str, **use: str) -> str:
        text = (environment.folder / f"{name}.jinja").read_text("utf-8")
        return jinja.from_string(text).render(python_minor=MINOR, use=use)

    for name in ("requirements.lock", "requirements-serve.lock", "pyproject.toml"):
        alone, beside = printed(name), printed(name, artifact_store_s3=".")
        assert "packaging==" in alone
        assert "idna==" not in alone
        assert "idna==" in beside
    assert {*lock.versions(lock.rows(printed("requirements.lock", artifact_store_s3=".")))} == {
        "idna",
        "packaging",
    }
    assert "# for: serve\n" in printed("requirements.lock", artifact_store_s3=".")
    assert "lock --folder deploy/apart" in printed("pyproject.toml")


def test_a_job_that_does_not_exist_is_refused_by_name() -> None:
    record = {"environments": {"apart": {"trian": ["tecton"]}}}

    with pytest.raises(lock.LockError, match="trian"):
        list(apart.environments({"base": {}, "ci": {"options": {"apart": record}}}))
