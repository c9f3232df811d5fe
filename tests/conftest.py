"""Renders for the tests: made in this process, without trust, once per set of answers."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parent.parent
SCRATCH = tempfile.mkdtemp(prefix="copier-ml-tests-")

# Before copier is imported: nobody's settings, trust list, cache or identity changes a result.
(Path(SCRATCH) / "gitconfig").write_text(
    "[user]\nname = Tester\nemail = tester@example.com\n[init]\ndefaultBranch = main\n"
    "[safe]\ndirectory = *\n[commit]\ngpgsign = false\n",
    encoding="utf-8",
)
(Path(SCRATCH) / "settings.yml").write_text("{}\n", encoding="utf-8")
os.environ |= {
    "COPIER_CACHE_DIR": f"{SCRATCH}/cache",
    "COPIER_SETTINGS_PATH": f"{SCRATCH}/settings.yml",
    "GIT_CONFIG_GLOBAL": f"{SCRATCH}/gitconfig",
    "GIT_CONFIG_NOSYSTEM": "1",
}
# The last one would make each of the hundreds of processes compile its libraries again.
for leaked in ("GIT_DIR", "GIT_INDEX_FILE", "GIT_WORK_TREE", "PYTHONDONTWRITEBYTECODE"):
    os.environ.pop(leaked, None)

import copier  # noqa: E402

from extensions import docs  # noqa: E402

Render = Callable[..., Path]
collect_ignore = ["made_up_kind"]  # the files of a render


PROVED: set[tuple[str, str]] = set()  # (option, what was seen of it)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Our own option."""
    parser.addoption("--full", action="store_true", help="install and test every option")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Without --full the long tests are left out, and said to be so; what takes minutes begins."""
    items.sort(key=lambda item: item.path.name != "test_rendered.py")
    if not config.getoption("--full"):
        long = [item for item in items if item.get_closest_marker("full")]
        config.hook.pytest_deselected(items=long)
        items[:] = [item for item in items if not item.get_closest_marker("full")]


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Keep what a passed test says it proves."""
    if report.passed and report.when == "call":
        PROVED.update(
            (str(what), name) for name, what in report.user_properties if name in docs.PROVED
        )


def pytest_sessionfinish(session: pytest.Session) -> None:
    """A full run writes the day into docs/proof.yml, next to each option that it proved."""
    if not PROVED or not session.config.getoption("--full"):
        return  # PROVED stays empty in the workers of xdist: results are reported to their head
    path = ROOT / "docs/proof.yml"
    note, _, _ = path.read_text("utf-8").partition("\n")
    seen = yaml.safe_load(path.read_text("utf-8")) or {}
    for option, what in sorted(PROVED):
        seen.setdefault(option, {})[what] = date.today().isoformat()
    path.write_text(f"{note}\n{yaml.safe_dump(seen)}", encoding="utf-8")
    docs.main([])


def pytest_unconfigure() -> None:
    """The scratch folder goes with the process that made it."""
    shutil.rmtree(SCRATCH, ignore_errors=True)


def git(folder: Path, *arguments: str) -> str:
    """What git prints; a failing command fails the test with git's own words."""
    done = subprocess.run(
        ["git", *arguments], cwd=folder, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, f"git {' '.join(arguments)}: {done.stderr}"
    return done.stdout


def snapshot(target: Path) -> Path:
    """The working tree of this repository, uncommitted files included, as a tagged clone."""
    git(ROOT, "clone", "--quiet", "--no-checkout", str(ROOT), str(target))
    listed = git(ROOT, "ls-files", "-z", "--cached", "--others", "--exclude-standard").split("\0")
    for name in filter(None, listed):
        source = ROOT / name
        if source.is_file():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, target / name)
    git(target, "add", "--all")
    git(target, "commit", "--quiet", "--allow-empty", "--message", "working tree")
    git(target, "tag", "--force", "v99.0.0")
    return target


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tagged clone of the working tree; never changed by a test."""
    return snapshot(tmp_path_factory.mktemp("template") / "copier-ml")


@pytest.fixture(scope="session")
def releases(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A template repository with the releases NOW and NEXT; never changed by a test."""
    from .releases import publish

    return publish(tmp_path_factory.mktemp("releases") / "copier-ml")


def render_to(source: Path, target: Path, answers: dict[str, Any]) -> Path:
    """One copy as `copier copy --defaults` makes it; `unsafe=False` shows it needs no trust."""
    copier.run_copy(
        str(source),
        target,
        data=answers,
        user_defaults={"project_name": "My model"},  # not after a scratch folder
        defaults=True,
        quiet=True,
        unsafe=False,
        settings=copier.Settings(),
    )
    return target


@pytest.fixture(scope="session")
def render(template: Path, tmp_path_factory: pytest.TempPathFactory) -> Render:
    """render(model="linear") -> the folder of that render; shared, so copy it to change it."""
    made: dict[str, Path] = {}

    def make(**answers: Any) -> Path:
        key = json.dumps(answers, sort_keys=True)
        if key not in made:
            made[key] = render_to(template, tmp_path_factory.mktemp("render") / "demo", answers)
        return made[key]

    return make


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """An empty folder to work in, with the test's process standing in it."""
    before = Path.cwd()
    os.chdir(tmp_path)
    yield tmp_path
    os.chdir(before)
