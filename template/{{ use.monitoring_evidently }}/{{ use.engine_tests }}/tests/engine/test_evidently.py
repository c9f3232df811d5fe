"""Evidently's report says the same as the checks, and its page runs nothing of the data."""

import json
import os
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from engine.commands import monitor
from engine.core.errors import AlarmRaised
from engine.monitoring import distances
from engine.monitoring.protocol import LARGE

from .hostile import HARMLESS, HOSTILE, VALUES
from .hostile import read as read_page
from .made_up import inside
from .made_up_log import answers, register, write

OWN = Path(__file__).parents[2] / "contract.toml"


def read(path: str) -> Any:
    return json.loads(Path(path).read_text(encoding="utf-8"))


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Any]:
    """The contract of a project with a champion and without predictions, as the working folder."""
    with inside(tmp_path):
        yield register(tmp_path, OWN)


def test_its_tests_and_distances_are_those_of_the_checks(project: Any) -> None:
    name = next(n for n, c in project.features.items() if c.type in ("number", "integer"))
    given = answers(project, 600, 0)
    write(Path("logs"), project, given, end=datetime.now(UTC), change=lambda r: r.update({name: 1}))

    with pytest.raises(AlarmRaised):
        monitor.main(["monitor"])

    checks = {f"{c['column']} {c['what']}": c for c in read("reports/monitor.json")["inputs"]}
    found = read("reports/drift.json")
    measured = {m["config"]["column"]: m["value"] for m in found["metrics"]}
    assert measured == {n: pytest.approx(c["distance"]) for n, c in checks.items()}
    assert {m["config"]["threshold"] for m in found["metrics"]} == {LARGE}
    verdicts = [test["status"] == "FAIL" for test in found["tests"]]
    assert verdicts == [checks[column]["distance"] >= LARGE for column in measured]
    assert {*verdicts} == {True, False}


def test_names_and_values_of_the_data_run_nothing_in_its_page(tmp_path: Path) -> None:
    hostile, harmless = drawn(tmp_path / "a", HOSTILE), drawn(tmp_path / "b", HARMLESS)

    (parts, _), (plain, _) = read_page(hostile), read_page(harmless)
    assert {without_data(part) for part in parts} == {without_data(part) for part in plain}
    scripts = {part[2] for part in parts if part[:2] == ("script", "holds")}
    policy = hostile.read_text(encoding="utf-8").partition('content="')[2].partition('"')[0]
    assert policy.count("'sha256-") == len(scripts)
    assert "unsafe-inline" not in policy.partition("script-src")[2]


def drawn(folder: Path, words: dict[str, str]) -> Path:
    """The page on two windows of a table that uses these words."""
    chance = np.random.default_rng(0)
    reference, current = (
        pd.DataFrame(
            {
                words["first"]: pd.Categorical(chance.choice([words[v] for v in some], 300)),
                words["second"]: chance.normal(0, 1, 300),
                words["third"]: pd.Categorical(chance.choice([words[v] for v in VALUES], 300)),
            }
        )
        for some in (VALUES, VALUES[:2])
    )
    found, report = distances.measure(reference, current)
    assert report
    assert found.keys() == {words[name] for name in ("first", "second", "third")}
    folder.mkdir()
    report.save(folder)
    return folder / "drift.html"


def without_data(part: tuple[str, ...]) -> tuple[str, ...]:
    """A part of the page without the data, and without the name that each page gets."""
    *rest, text = part
    text = re.sub(r"(?m)^(\s*var \w+ = )\{.*\};?$", r"\1", text)
    return (*rest, re.sub(r"metric_\w+", "", text))


def test_a_window_that_is_too_small_leaves_no_older_report(project: Any) -> None:
    write(Path("logs"), project, answers(project, 600, 0), end=datetime.now(UTC))
    monitor.main(["monitor"])

    write(Path("logs"), project, answers(project, 50, 0), end=datetime.now(UTC))
    monitor.main(["monitor"])

    assert not [path.name for path in Path("reports").glob("drift.*")]


def test_a_huge_window_is_measured_on_a_part_that_is_drawn_evenly() -> None:
    reference, current = (
        pd.DataFrame({"size": np.random.default_rng(seed).normal(0.2 * seed, 1, 100_000)})
        for seed in (0, 1)
    )

    found, _ = distances.measure(reference, current)
    again, _ = distances.measure(reference, current)

    assert found["size"] == pytest.approx(0.2, abs=0.02)
    assert again == found


def test_nothing_is_reported_to_its_makers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DO_NOT_TRACK", raising=False)

    distances.measure(*[pd.DataFrame({"size": np.arange(200.0)})] * 2)

    assert os.environ["DO_NOT_TRACK"] == "1"
