"""Level 2: rendered repositories install from their locks, come up, and pass their own tests."""

from __future__ import annotations

import os
import random
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from .conftest import Render, git
from .conversation import SEAMS, Answers, alone

MINOR = "{}.{}".format(*sys.version_info)
HEADLINES: dict[str, Answers] = {
    "classification-linear-files": {"problem": "classification", "model": "linear"},
    "classification-boosting-mlflow": {"model": "boosting", "tracking": "mlflow"},
    "regression-boosting-files": {"problem": "regression", "model": "boosting"},
}
LONG = 1500  # seconds; a verb that takes longer hangs
Run = Callable[..., subprocess.CompletedProcess[str]]


def cases() -> Iterator[object]:
    """The headline renders always; with --full, every option by itself."""
    for name, answers in HEADLINES.items():
        yield pytest.param(answers, id=name, marks=pytest.mark.xdist_group(name))
    for name, answers in alone().items():
        marks = [pytest.mark.xdist_group(name), pytest.mark.full]
        yield pytest.param(answers, id=name, marks=marks)


@pytest.fixture(scope="module", params=cases())
def project(
    request: pytest.FixtureRequest, render: Render, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Path]:
    """A fresh repository, as a user has it right after the copy."""
    place = tmp_path_factory.mktemp("project") / "demo"
    shutil.copytree(render(python_minor=MINOR, **request.param), place)
    git(place, "init", "--quiet")
    git(place, "add", "--all")
    git(place, "commit", "--quiet", "--message", "start")
    yield place
    shutil.rmtree(place, ignore_errors=True)  # an environment is large


@pytest.fixture(scope="module")
def run(project: Path) -> Run:
    """run("train") -> `python run.py train` in the project; a failure shows what was printed."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    ours = ("APP_", "COPIER_", "PYTEST_", "GIT_", "CALLED_FROM", "VIRTUAL_ENV", "PYTHONPATH")
    environment = {k: v for k, v in os.environ.items() if not k.startswith(ours)}
    if "PIP_FIND_LINKS" in environment:  # uv does not read it, and would miss PyTorch for the CPU
        environment.setdefault("UV_FIND_LINKS", environment["PIP_FIND_LINKS"].replace(" ", ","))
    environment |= {"APP_PORT": str(port), "GIT_CONFIG_GLOBAL": os.environ["GIT_CONFIG_GLOBAL"]}

    def verb(*words: str) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            [sys.executable, "run.py", *words],
            cwd=project,
            env=environment,
            capture_output=True,
            text=True,
            timeout=LONG,
            check=False,
        )
        assert done.returncode == 0, (done.stdout + done.stderr)[-6000:]
        return done

    return verb


def test_up_trains_and_serves(run: Run, project: Path) -> None:
    done = run("up", "--once")

    assert "predict" in done.stdout
    assert (project / "MODEL_CARD.md").is_file()


def test_a_second_up_retrains_nothing(run: Run, project: Path) -> None:
    run("up", "--once")
    before = sorted(path.name for path in (project / "store/runs").iterdir())
    began = time.monotonic()

    run("up", "--once")

    assert sorted(path.name for path in (project / "store/runs").iterdir()) == before
    assert time.monotonic() - began < 60


def test_its_own_tests_pass(
    run: Run, request: pytest.FixtureRequest, record_property: Callable[[str, object], None]
) -> None:
    run("test")

    answers: Answers = request.node.callspec.params["project"]
    for seam, option in answers.items():
        if seam in SEAMS:
            record_property("proved", f"{seam}={option}")


def test_it_is_clean(run: Run) -> None:
    run("check")


def test_the_hooks_find_nothing_on_a_fresh_render(run: Run, project: Path) -> None:
    git(project, "add", "--all")

    run("pre-commit", "run", "--all-files")


def test_running_leaves_nothing_behind_that_git_would_take(run: Run, project: Path) -> None:
    run("up", "--once")

    untracked = git(project, "ls-files", "--others", "--exclude-standard").splitlines()

    assert set(untracked) <= {"MODEL_CARD.md"}


def test_the_journey_of_the_readme_with_data_of_ones_own(run: Run, project: Path) -> None:
    """Last of all: from here on the project is no longer that of the sample."""
    chance = random.Random(1)
    rows = ["Größe (cm);group;known since;left?"]
    for number in range(600):
        size, group = chance.uniform(100, 200), chance.choice("ABC")
        left = "yes" if size + 30 * (group == "A") + chance.gauss(0, 15) > 160 else "no"
        rows.append(f"{size:.1f};{group};2026-01-{number % 28 + 1:02};{left}")
    (project / "my.csv").write_text("\n".join(rows), encoding="utf-8-sig")

    run("contract", "infer", "my.csv", "--target", "left?")
    run("contract", "check")
    run("data", "report")
    done = run("up", "--once")

    assert "Größe (cm)" in done.stdout
    run("evaluate")
    run("history")
