"""Alarms about votes, judgements, clusters and documents: what is just enough, and what is not."""

import re
from collections.abc import Callable, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import msgspec
import pytest

from engine.commands import monitor
from engine.contract.schema import Contract, Corpus
from engine.core.storage import Storage
from engine.corpus import load as corpora
from engine.monitoring import alarms
from engine.monitoring.alarms import Alarm
from engine.monitoring.log import Window
from engine.registry.registry import Registry

from . import small_bundle

Rows = list[dict[str, Any]]
ROOT = Path(__file__).parents[2]
TODAY = date(2026, 6, 30)


def votes(many: int, of: int) -> Rows:
    return [{"helpful": number < many} for number in range(of)]


@pytest.mark.parametrize(
    ("of", "now", "then", "name"),
    [
        (alarms.feedback, votes(8, 20), [], "UnhelpfulAnswers"),
        (alarms.feedback, votes(0, 19), [], ""),
        (alarms.feedback, votes(12, 20), [], ""),  # chance: it may be seven of ten
        (alarms.helpful, votes(12, 20), votes(95, 100), "HelpfulFalling"),
        (alarms.helpful, votes(12, 19), votes(95, 100), ""),
        (alarms.helpful, votes(60, 100), votes(19, 19), ""),
        (alarms.helpful, votes(860, 1000), votes(950, 1000), ""),  # too small
        (alarms.helpful, votes(16, 20), votes(95, 100), ""),  # chance
        (alarms.helpful, votes(95, 100), votes(12, 20), ""),  # it rises
    ],
)
def test_votes_that_are_enough_and_that_are_not(
    of: Callable[[Window], Alarm | None], now: Rows, then: Rows, name: str
) -> None:
    raised = of(Window([], [], now, then, 0))

    assert (raised.name if raised else "") == name


@pytest.mark.parametrize(
    ("now", "then", "name"),
    [
        ([True] * 12 + [False] * 8, [True] * 95 + [False] * 5, "JudgedQualityFalling"),
        ([True] * 11 + [False] * 8, [True] * 95 + [False] * 5, ""),
        ([True] * 60 + [False] * 40, [True] * 19, ""),
        ([True] * 86 + [False] * 14, [True] * 95 + [False] * 5, ""),
        ([True] * 16 + [False] * 4, [True] * 95 + [False] * 5, ""),
        ([True] * 95 + [False] * 5, [True] * 12 + [False] * 8, ""),
    ],
)
def test_judgements_that_are_enough_and_that_are_not(
    now: Sequence[bool], then: Sequence[bool], name: str
) -> None:
    raised = alarms.judged(now, then)

    assert (raised.name if raised else "") == name


@pytest.mark.parametrize(
    ("clusters", "name"),
    [([(10, "a?"), (2, "b?")], "UnansweredQuestions"), ([(9, "a?")], ""), ([], "")],
)
def test_a_cluster_of_ten_is_one_to_look_at(clusters: list[tuple[int, str]], name: str) -> None:
    raised = alarms.unanswered(clusters)

    assert (raised.name if raised else "") == name


@pytest.mark.parametrize(
    ("changed", "is_same", "names"),
    [
        ("2026-06-20", True, []),  # of just as many days
        ("", True, []),
        ("2026-06-19", True, ["StaleDocuments"]),
        ("2026-06-20", False, ["IndexBehindDocuments"]),
        ("2020-01-01", False, ["IndexBehindDocuments", "StaleDocuments"]),
    ],
)
def test_documents_that_changed_and_those_that_did_not_for_long(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, changed: str, is_same: bool, names: list[str]
) -> None:
    small_bundle.register(Storage(tmp_path / "store"), tmp_path, "one")
    _, bundle = Registry(Storage(tmp_path / "store")).load(1)
    made = [each._replace(changed=changed) for each in small_bundle.documents()]
    corpus = corpora.Corpus(made, [], [])
    known = msgspec.structs.replace(
        bundle.manifest, corpus_hash=corpus.digest if is_same else "other"
    )
    monkeypatch.setattr(corpora, "load", lambda _: corpus)

    raised = monitor.documents(
        Contract(corpus=Corpus(stale_days=10)),
        msgspec.structs.replace(bundle, manifest=known),
        TODAY,
    )

    assert [alarm.name for alarm in raised if alarm] == names


def test_every_alarm_has_a_section_in_the_runbook() -> None:
    sources = ["monitoring/alarms.py", "commands/monitor.py"]
    text = "".join((ROOT / "src/engine" / name).read_text("utf-8") for name in sources)
    names = {*re.findall(r'Alarm\(\s*"(\w+)"', text)}
    runbook = (ROOT / "docs/runbook-monitoring.md").read_text("utf-8")

    assert len(names) == 13
    assert not [name for name in names if f"\n## {name}\n" not in runbook]
