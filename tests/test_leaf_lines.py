"""How many lines a way to serve adds to the plain server stands on its page, and is true."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from .conftest import Render
from .conversation import SEAMS, alone

LEAVES = [
    name
    for name, option in SEAMS["serving"].items()
    if "server" in option.get("shares", []) and name != "http"
]
FOLDERS = ("src", "tools/deploy", "deploy")
SAID = re.compile(
    r"This option adds (\d+) lines to `src/`, (\d+) to `tools/deploy/` and (\d+) to `deploy/`"
)
MADE = {".lock", ".json"}  # by the lock compiler; published schemas


def lines(rendered: Path, plain: Path) -> list[int]:
    """The lines of each folder, in files that the plain server has not or has otherwise."""
    found = []
    for folder in FOLDERS:
        texts = {
            path.relative_to(rendered): path.read_text("utf-8")
            for path in (rendered / folder).rglob("*")
            if path.is_file() and path.suffix not in MADE
        }
        own = [
            text
            for path, text in texts.items()
            if not (plain / path).exists() or (plain / path).read_text("utf-8") != text
        ]
        found.append(round(sum(text.count("\n") for text in own), -1))
    return found


@pytest.mark.parametrize("leaf", LEAVES)
def test_the_page_says_how_many_lines_it_adds(render: Render, leaf: str) -> None:
    answers = alone()[f"serving={leaf}"] | {"ci": "github"}
    same = {name: answers[name] for name in ("artifact_store", "python_minor") if name in answers}
    rendered = render(**answers)
    plain = render(ci="github", mode="real_time", serving="http", **same)

    page = (rendered / "docs/runbook-deploy.md").read_text("utf-8")
    [said] = SAID.findall(page)

    assert [int(number) for number in said] == lines(rendered, plain)
