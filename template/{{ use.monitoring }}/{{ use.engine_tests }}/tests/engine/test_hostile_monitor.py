"""What monitoring writes shows names and values of the data, and runs none of them."""

import json
import shutil
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from engine.commands import monitor
from engine.contract.read import load_contract
from engine.core.errors import AlarmRaised

from .hostile import CLASSES, COLUMNS, HARMLESS, HOSTILE, assert_alike
from .made_up import inside
from .made_up_log import answers, write


@pytest.fixture(scope="module")
def watched(
    hostile: Path, harmless: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, Path]:
    """The reports on both, after callers sent other rows than those of training."""
    places = [tmp_path_factory.mktemp("watched") / "project" for _ in range(2)]
    first, second = shutil.copytree(hostile, places[0]), shutil.copytree(harmless, places[1])
    return drifted(first, HOSTILE), drifted(second, HARMLESS)


def drifted(folder: Path, words: dict[str, str]) -> Path:
    """Monitor rows that differ from training, with a value that only a caller knows."""

    def change(row: dict[str, Any]) -> None:
        row[words["third"]] = 3.0
        row[words["second"]] = words["red"]
        if row[words["fourth"]] > 4:
            row[words["first"]] = words["fifth"]

    with inside(folder):
        contract = load_contract()
        given = answers(contract, 600, 0)
        write(Path("logs"), contract, given, end=datetime.now(UTC), change=change)
        with pytest.raises(AlarmRaised):
            monitor.main(["monitor"])
    return folder / "reports"


def test_the_page_shows_names_and_values_as_text(watched: tuple[Path, Path]) -> None:
    hostile, harmless = (folder / "monitor.html" for folder in watched)

    assert_alike(hostile, harmless, (*COLUMNS[:4], *CLASSES))


def test_only_what_prometheus_reads_is_open_to_others(watched: tuple[Path, Path]) -> None:
    reports = watched[0]

    rights = {path.name: oct(path.stat().st_mode & 0o777) for path in reports.iterdir()}
    assert rights.pop("monitor.prom") == "0o644"
    assert {*rights.values()} == {"0o640"}
    assert {"monitor.html", "monitor.json"} <= {*rights}
    assert reports.stat().st_mode & 0o005 == 0o005


def test_programs_read_the_names_as_they_are(watched: tuple[Path, Path]) -> None:
    hostile, harmless = (read(folder) for folder in watched)

    back = {word: name for name, word in HOSTILE.items()}
    assert {back.get(name, name) for name in hostile} == harmless
    assert {HOSTILE[name] for name in COLUMNS[:4]} <= hostile


def read(reports: Path) -> set[str]:
    """The columns that the JSON names; the labels of the metrics name the same ones."""
    named = {c["column"] for c in json.loads((reports / "monitor.json").read_text())["inputs"]}
    text = (reports / "monitor.prom").read_text(encoding="utf-8")
    families = list(text_string_to_metric_families(text))
    labels = {s.labels["column"] for f in families for s in f.samples if "column" in s.labels}
    assert {family.name.startswith("monitor_") for family in families} == {True}
    assert labels == named
    return named
