"""A problem of another kind leaves seams empty: nothing of them is asked or rendered."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml
from copier.errors import UserMessageError

from .conftest import render_to, snapshot
from .conversation import CATALOGUE, SEAMS
from .releases import commit

pytestmark = pytest.mark.xdist_group("empty-seams")
EMPTY = sorted(s for s in SEAMS if "kind" in CATALOGUE[s].get("applies", {}))
RECORD = """
  {name}:
    label: Pictures
    when: what is known can be seen
    folder: false
    problem: Find what looks alike.
    how: By looking at them.
    trade_offs: What looks alike need not be alike.
    rejected: {{a table: Nobody filled one in.}}
    revisit_when: somebody fills one in.
"""


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The template with a second kind, and a problem of that kind."""
    clone = snapshot(tmp_path_factory.mktemp("kinds") / "copier-ml")
    for seam, name, more in (("kind", "pictures", ""), ("problem", "search", "kind: pictures")):
        with (clone / f"catalogue/{seam}.yml").open("a", encoding="utf-8") as file:
            file.write(RECORD.format(name=name).rstrip() + (f"\n    {more}" if more else "") + "\n")
    commit(clone, "another kind", "v99.1.0")
    return clone


@pytest.fixture(scope="module")
def rendered(repository: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository for that problem."""
    return render_to(repository, tmp_path_factory.mktemp("render") / "demo", {"problem": "search"})


def test_there_are_such_seams() -> None:
    assert {"model", "feature_store", "vector_store"} <= set(EMPTY)


def test_nothing_of_an_empty_seam_is_asked_or_rendered(rendered: Path) -> None:
    answered = yaml.safe_load((rendered / ".copier-answers.yml").read_text("utf-8"))
    pages = {path.stem.replace("-", "_") for path in (rendered / "docs/decisions").iterdir()}

    assert not {*EMPTY} & {*answered}
    assert not {*EMPTY} & pages
    assert not (rendered / "params.toml").exists()
    for page in ("README.md", "docs/change-it.md"):
        assert "hyperparameters" not in (rendered / page).read_text("utf-8")


def test_the_other_kind_has_none_of_the_packages_and_verbs_of_tables(rendered: Path) -> None:
    pyproject = (rendered / "pyproject.toml").read_text("utf-8")

    assert not re.search(r"(?m)^train = \{|\"pandas==", pyproject)
    assert not re.search("(?m)^pandas==", (rendered / "requirements.lock").read_text("utf-8"))
    assert re.search(r"(?m)^lock = \{", pyproject)


def test_an_option_of_an_empty_seam_is_refused(repository: Path, tmp_path: Path) -> None:
    with pytest.raises(UserMessageError, match="model=linear: this is not asked when kind is pic"):
        render_to(repository, tmp_path / "new", {"problem": "search", "model": "linear"})
