"""docs/add-an-option.md is true: what it says is done here to the letter, and it renders."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from .conftest import ROOT, git, render_to, snapshot

PAGE = (ROOT / "docs/add-an-option.md").read_text("utf-8")
BLOCK = re.compile(r"```(?:yaml|python|toml) (?P<place>[^\n]+)\n(?P<text>.*?)```", re.DOTALL)


def follow(page: str, repository: Path) -> list[str]:
    """Do what the page says: each block goes where its fence says."""
    touched = []
    for block in BLOCK.finditer(page):
        place, text = block["place"], block["text"]
        file = repository / place
        if file.exists():
            assert file.read_text("utf-8").partition("\noptions:\n")[2]
            with file.open("a", encoding="utf-8") as end:
                end.write(text)
        else:
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, encoding="utf-8")
        touched.append(place)
    return touched


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clone with the option of the page added, generated pages and all."""
    clone = snapshot(tmp_path_factory.mktemp("added") / "copier-ml")
    follow(PAGE, clone)
    subprocess.run([sys.executable, "-m", "extensions.docs"], cwd=clone, check=True)
    git(clone, "add", "--all")
    git(clone, "commit", "--quiet", "--message", "an option")
    git(clone, "tag", "v99.1.0")
    return clone


@pytest.mark.xdist_group("add-option")
def test_only_the_catalogue_and_new_files_are_touched(repository: Path) -> None:
    changed = git(repository, "diff", "--name-status", "v99.0.0", "HEAD", "--", ":!docs").split(
        "\n"
    )

    edited = [line for line in changed if line.startswith("M")]
    created = [line for line in changed if line.startswith("A")]

    assert edited == ["M\tcatalogue/model.yml", "M\tcatalogue/serving.yml"]
    assert len(created) == 2 + 3
    assert len(edited) + len(created) == len(list(filter(None, changed)))


@pytest.mark.xdist_group("add-option")
def test_the_new_option_renders(repository: Path, tmp_path: Path) -> None:
    rendered = render_to(repository, tmp_path / "new", {"model": "forest"})

    assert 'FAMILY = "forest"' in (rendered / "src/app/model.py").read_text("utf-8")
    assert "Random forest" in (rendered / "docs/decisions/model.md").read_text("utf-8")


@pytest.mark.xdist_group("add-option")
def test_another_way_to_serve_renders(repository: Path, tmp_path: Path) -> None:
    rendered = render_to(repository, tmp_path / "new", {"serving": "function"})

    assert (rendered / "src/engine/serving/function/__init__.py").exists()
    assert (rendered / "src/engine/serving/http/app.py").exists()
    assert not (rendered / "src/engine/serving/http/server.py").exists()
    assert not (rendered / "deploy/Dockerfile").exists()


def pytest_in(clone: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """The tests of a clone, run there."""
    call = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *arguments]
    return subprocess.run(call, cwd=clone, capture_output=True, text=True, check=False)


@pytest.mark.xdist_group("add-option")
def test_the_tests_of_the_template_take_the_new_option_in(repository: Path) -> None:
    files = ("tests/test_catalogue.py", "tests/test_docs.py", "tests/test_render.py")

    done = pytest_in(repository, *files, "-k", "catalogue or docs or forest or function")

    assert done.returncode == 0, done.stdout
    assert "passed" in done.stdout


def test_a_record_without_a_folder_is_noticed(tmp_path: Path) -> None:
    clone = snapshot(tmp_path / "copier-ml")
    follow(BLOCK.search(PAGE)[0], clone)  # type: ignore[index]

    done = pytest_in(clone, "tests/test_catalogue.py")

    assert "FAILED tests/test_catalogue.py::test_every_folder_has_a_switch" in done.stdout
