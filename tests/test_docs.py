"""The generated pages are fresh, and what the pages name exists."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from extensions.docs import PAGES, level, rule

from .conftest import ROOT, Render, git
from .conversation import OPTIONS, SEAMS

ALERTS = re.compile(r"^## ([A-Z]\w+)$", re.MULTILINE)  # other sections are sentences


@pytest.mark.parametrize("name", PAGES)
def test_a_generated_page_is_fresh(name: str) -> None:
    """Stale? python3 run.py docs"""
    assert (ROOT / "docs" / name).read_text("utf-8") == PAGES[name](ROOT)


@pytest.mark.parametrize(("seam", "option"), OPTIONS)
def test_every_option_is_documented(seam: str, option: str) -> None:
    page = (ROOT / "docs/decision-tree.md").read_text("utf-8")

    assert f"`{seam}={option}`" in page


@pytest.mark.parametrize(
    ("seen", "reached"),
    [
        ("", 1),
        ("installed", 2),
        ("installed taken", 2),
        ("taken left", 1),
        ("left installed taken", 3),
    ],
)
def test_a_level_is_reached_with_all_that_it_asks_for(seen: str, reached: int) -> None:
    assert level(seen.split()) == reached


def test_a_chain_of_cases_is_put_into_words() -> None:
    chain = "{{ 'a' if x == 'one' else 'b' if y >= 5 or z == 'two' and y >= 3 else 'c' }}"

    said = rule(chain)

    assert said == (
        "Recommended: `a` if x is 'one', `b` if y >= 5 or z is 'two' and y >= 3, otherwise `c`."
    )


def links(page: Path) -> list[str]:
    """The relative links of a Markdown page."""
    return re.findall(r"\]\((?!https?:|#|mailto:)([^)#]+)", page.read_text("utf-8"))


def test_links_lead_somewhere() -> None:
    pages = [ROOT / "README.md", *(ROOT / "docs").rglob("*.md")]

    broken = [
        (page.name, to) for page in pages for to in links(page) if not (page.parent / to).exists()
    ]

    assert not broken


def test_links_of_a_render_lead_somewhere(render: Render) -> None:
    rendered = render(personal_data="yes", privacy="none")
    pages = [rendered / "README.md", *(rendered / "docs").rglob("*.md")]

    broken = [
        (page.name, to) for page in pages for to in links(page) if not (page.parent / to).exists()
    ]

    assert not broken


def test_every_seam_has_a_decision_record(render: Render) -> None:
    folders = [render(problem=problem) / "docs/decisions" for problem in ("classification", "rag")]
    records = {path.stem.replace("-", "_") for folder in folders for path in folder.iterdir()}

    assert set(SEAMS) <= records


def test_red_flags_are_printed_in_the_readme_and_recorded(render: Render) -> None:
    flagged = render(personal_data="yes", privacy="none", ground_truth="none")
    titles = [
        "The data is personal and no privacy technique is chosen",
        "No outcome ever comes back",
    ]

    for place in ("README.md", "docs/decisions/red-flags.md"):
        text = (flagged / place).read_text("utf-8")
        assert all(title in text for title in titles)


def test_without_red_flags_nothing_is_said(render: Render) -> None:
    assert "Warnings" not in (render() / "README.md").read_text("utf-8")
    assert not (render() / "docs/decisions/red-flags.md").exists()


def test_a_table_beside_the_readme_is_not_taken_into_git(render: Render, tmp_path: Path) -> None:
    """The README tells to bring my.csv, and the next `git add .` would commit what it holds."""
    shutil.copy(render() / ".gitignore", tmp_path)
    git(tmp_path, "init", "--quiet")
    own = ["my.csv", "my.parquet", "data/my.csv", "deploy/not-a-table.csv"]
    for path in own:
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).touch()

    seen = git(tmp_path, "ls-files", "--others", "--exclude-standard").split()

    assert seen == [".gitignore", "deploy/not-a-table.csv"]


def test_the_runbook_has_a_section_for_every_alert_and_no_other(render: Render) -> None:
    rendered = render()
    rules = "".join(p.read_text("utf-8") for p in (rendered / "deploy").rglob("*alert*.y*ml"))
    alerts = set(re.findall(r"^\s*- alert: (\w+)", rules, re.MULTILINE))

    assert alerts
    pages = (page.read_text("utf-8") for page in rendered.glob("docs/runbook-*.md"))
    assert {name for page in pages for name in ALERTS.findall(page)} == alerts


def test_decisions_are_numbered_without_gap_or_repetition() -> None:
    records = sorted((ROOT / "docs/decisions").glob("*.md"))
    titles = [re.match(r"# (\d+)\. ", path.read_text("utf-8")) for path in records]

    numbers = [int(path.name[:4]) for path in records]

    assert numbers == list(range(1, len(records) + 1))
    assert numbers == [int(title[1]) for title in titles if title]


def test_nothing_that_reaches_a_project_names_plain_copier_update() -> None:
    folders = [ROOT / name for name in ("template", "includes", "questions", "catalogue")]
    texts = [path for folder in folders for path in folder.rglob("*") if path.is_file()]

    assert [p for p in texts if b"copier update" in p.read_bytes()] == []
