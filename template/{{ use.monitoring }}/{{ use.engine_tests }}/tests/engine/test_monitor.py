"""The verb `monitor`: quiet ends with 0, an alarm with 2, and the reports say what was found."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from prometheus_client.parser import text_string_to_metric_families

from engine.commands import monitor
from engine.contract.read import load_contract
from engine.core.errors import AlarmRaised, SettingsError
from engine.monitoring import alarms, distances, drift
from engine.monitoring import log as logbook
from engine.monitoring import report as monitor_report
from engine.monitoring.source import Stored

from .made_up import inside
from .made_up_log import (
    END,
    TEST_ROWS,
    answers,
    champion,
    register,
    register_another,
    table,
    write,
)

DAY = timedelta(hours=24)
OWN = Path(__file__).parents[2] / "contract.toml"
LABELS, VALUES = (Path(__file__).parent / f"contracts/{n}.toml" for n in ("labels", "values"))


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Any]:
    """The contract of a project with a champion and without predictions, as the working folder."""
    with inside(tmp_path):
        yield register(tmp_path, OWN)


def look(folder: Path, made: Any, hours: int = 24) -> Any:
    """Findings on what is in the log at END."""
    return monitor.look(Stored(folder), END - timedelta(hours=hours), END, 1, made, TEST_ROWS)


@pytest.fixture
def inputs_aside(monkeypatch: Any) -> None:
    """Leave out the inputs, which take the longest and have tests of their own."""
    monkeypatch.setattr(drift, "compare", lambda *_: ([], None))


def names(found: Any) -> list[str]:
    return [alarm.name for alarm in found.alarms]


def now() -> datetime:
    return datetime.now(UTC)


def test_without_predictions_one_line_says_so(project: Any, capsys: Any) -> None:
    assert project
    assert monitor.main(["monitor"]) == 0

    assert capsys.readouterr().out == (
        "nothing to look at: no predictions in logs in the last 24h\n"
    )


def test_predictions_that_are_too_old_are_not_looked_at(project: Any, capsys: Any) -> None:
    write(Path("logs"), project, answers(project, 80, 0), end=now())

    assert monitor.main(["monitor", "--since", "12h"]) == 0
    assert "40 rows in the last 12h" in capsys.readouterr().out


def test_a_quiet_day_ends_with_0_and_three_reports(project: Any, capsys: Any) -> None:
    write(Path("logs"), project, answers(project, 600, 0), end=now())

    assert monitor.main(["monitor", "--report", "out"]) == 0

    said = capsys.readouterr().out
    assert "ALARM" not in said
    assert "retrain: no, because nothing changed" in said
    document = json.loads(Path("out/monitor.json").read_text(encoding="utf-8"))
    assert document["rows"] == 600
    assert document["alarms"] == []
    written = {path.name for path in Path("out").iterdir()}
    assert written == {"monitor.html", "monitor.json", "monitor.prom", *distances.FILES}
    families = text_string_to_metric_families(Path("out/monitor.prom").read_text(encoding="utf-8"))
    values = {family.name: [s.value for s in family.samples] for family in families}
    assert values["monitor_alarm"] == [0.0] * len(alarms.NAMES)
    assert values["monitor_rows"] == [600.0]


def test_a_column_that_is_stuck_ends_with_2_and_its_name(project: Any) -> None:
    usable = {n: c for n, c in project.features.items() if c.type != "datetime" and not c.personal}
    name, column = next(iter(usable.items()))
    stuck = column.values[0] if column.values else True if column.type == "boolean" else 1

    given = answers(project, 600, 0)

    write(Path("logs"), project, given, end=now(), change=lambda row: row.update({name: stuck}))

    with pytest.raises(AlarmRaised, match="InputDrift") as raised:
        monitor.main(["monitor"])
    assert raised.value.exit_code == 2
    assert name in str(raised.value)
    document = json.loads(Path("reports/monitor.json").read_text(encoding="utf-8"))
    assert document["retrain"]["advised"] is False
    assert document["retrain"]["because"].startswith("mend this first: InputDrift")
    raised = 'monitor_alarm{alarm="InputDrift",project="model"} 1.0'
    assert raised in Path("reports/monitor.prom").read_text()


def test_rows_answered_under_another_contract_are_left_out_and_counted(
    project: Any, capsys: Any
) -> None:
    """Version 2 answered what it needs: version 1, the champion, knows nothing of its columns."""
    other = load_contract(VALUES if project.classes else LABELS)
    register_another(Path("store"), VALUES if project.classes else LABELS, "another run")
    write(Path("logs"), other, answers(other, 300, 0), end=now(), version=2)
    Path("logs").rename("of version 2")
    write(Path("logs"), project, answers(project, 600, 0), end=now())
    for path in Path("of version 2").iterdir():
        path.rename(Path("logs") / path.name.replace(".jsonl", "-2.jsonl"))

    assert monitor.main(["monitor"]) == 0

    said = capsys.readouterr().out
    assert "300 rows were answered under another contract, by version 2" in said
    assert "version 1, 600 rows in the last 24h" in said
    document = json.loads(Path("reports/monitor.json").read_text(encoding="utf-8"))
    assert (document["rows"], document["rows_of_other_contracts"]) == (600, 300)


def test_rows_of_a_version_with_other_gates_only_are_looked_at(project: Any, capsys: Any) -> None:
    text = OWN.read_text(encoding="utf-8").replace("[gates]", "[gates]\np99_ms = 987", 1)
    text = "\n".join(
        line for line in text.splitlines() if not line.startswith("p99_ms") or "987" in line
    )
    Path("other.toml").write_text(text, encoding="utf-8")
    register_another(Path("store"), Path("other.toml"), "another run")
    write(Path("logs"), project, answers(project, 600, 0), end=now(), version=2)

    assert monitor.main(["monitor"]) == 0

    assert "version 1, 600 rows in the last 24h" in capsys.readouterr().out


def test_nothing_but_rows_of_another_contract_is_nothing_to_look_at(
    project: Any, capsys: Any
) -> None:
    write(Path("logs"), project, answers(project, 600, 0), end=now(), version=9)

    assert monitor.main(["monitor"]) == 0

    said = capsys.readouterr().out
    assert "600 rows were answered under another contract, by version 9" in said
    assert "nothing to look at" in said


@pytest.mark.parametrize("since", ["", "24", "h", "0h", "-1h", "1w", "1.5h"])
def test_a_span_nobody_can_read_is_refused(since: str) -> None:
    with pytest.raises(SettingsError, match="24h"):
        monitor.span(since)


def test_without_a_prediction_log_there_is_a_way_out(project: Any, monkeypatch: Any) -> None:
    assert project
    monkeypatch.setenv("APP_PREDICTION_LOG", "")

    with pytest.raises(SettingsError, match="name a folder"):
        monitor.main(["monitor"])


def test_few_rows_raise_no_alarm_however_odd_they_are(any_contract: Any, tmp_path: Path) -> None:
    write(tmp_path, any_contract, answers(any_contract, 1, 0) * 60)

    found = look(tmp_path, champion(any_contract))

    assert names(found) == []
    assert found.drift_report is None
    assert "100 are needed" in found.lines()[0]
    assert found.retrain == (False, "nothing can be told: 60 rows, 100 are needed")


def test_a_broken_line_is_counted_and_costs_no_other(any_contract: Any, tmp_path: Path) -> None:
    write(tmp_path, any_contract, answers(any_contract, 50, 0))
    with next(tmp_path.glob("predictions-*")).open("a") as stream:
        stream.write('{"id": "cut o')

    found = look(tmp_path, champion(any_contract))

    assert (found.window.count, found.window.broken) == (50, 1)


@pytest.mark.usefixtures("inputs_aside")
def test_other_answers_than_on_the_test_rows_raise_the_alarm(
    any_contract: Any, tmp_path: Path
) -> None:
    given = answers(any_contract, 400, 0)
    usual = [a for a in given if a.get("value", 0) > 60]
    if any_contract.classes:
        usual = [a for a in given if a["label"] != any_contract.classes[0]]

    write(tmp_path, any_contract, usual)

    assert "PredictionDrift" in names(look(tmp_path, champion(any_contract)))


@pytest.mark.usefixtures("inputs_aside")
def test_a_class_that_vanishes_for_an_hour_raises_the_alarm(tmp_path: Path) -> None:
    own = load_contract(Path(__file__).parent / "contracts" / "awkward.toml")
    given = answers(own, 2400, 0)  # a hundred an hour, the latest first
    gone = own.classes[1]
    others = [answer for answer in given if answer["label"] != gone]
    write(tmp_path, own, [*others[:150], *given[150:]])

    found = look(tmp_path, champion(own))

    assert names(found) == ["PredictionClassVanished"]
    assert gone in found.alarms[0].detail


def test_the_fallback_raises_the_alarm(any_contract: Any, tmp_path: Path) -> None:
    write(tmp_path, any_contract, answers(any_contract, 90, 0), fallbacks=5)

    found = look(tmp_path, champion(any_contract))

    assert names(found) == ["FallbackInUse"]
    assert found.retrain[0] is False


@pytest.mark.usefixtures("inputs_aside")
def test_outcomes_that_turn_worse_raise_the_alarm(any_contract: Any, tmp_path: Path) -> None:
    made = champion(any_contract)

    write(tmp_path, any_contract, answers(any_contract, 1200, 0))
    before = look(tmp_path, made)
    write(tmp_path, any_contract, answers(any_contract, 1200, 0), luck=0.3)
    after = look(tmp_path, made)

    assert names(before) == []
    assert before.performance.rows == 600
    assert names(after) == ["OutcomePerformanceDrop"]
    assert after.retrain[0] is True


def test_probabilities_of_32_bits_are_measured_without_a_word(
    any_contract: Any, tmp_path: Path, recwarn: pytest.WarningsRecorder
) -> None:
    given = answers(any_contract, 400, 0)
    for answer in given:
        for name, share in answer.get("probabilities", {}).items():
            answer["probabilities"][name] = float(np.float32(share + 3e-8))
    write(tmp_path, any_contract, given)

    look(tmp_path, champion(any_contract))

    assert [str(warning.message) for warning in recwarn] == []


def test_a_regression_is_not_asked_for_its_classes(any_contract: Any, tmp_path: Path) -> None:
    write(tmp_path, any_contract, answers(any_contract, 200, 0))

    said = "\n".join(look(tmp_path, champion(any_contract)).lines())

    assert ("PredictionClassVanished" in said) == bool(any_contract.classes)


def test_performance_comes_by_day_with_its_delay_and_worth(
    any_contract: Any, tmp_path: Path
) -> None:
    write(tmp_path, any_contract, answers(any_contract, 80, 0), spread=3 * DAY)

    lived = look(tmp_path, champion(any_contract), hours=72).performance

    assert [day["day"][-2:] for day in lived.daily] == ["28", "29", "30", "31"]
    assert sum(day["rows"] for day in lived.daily) == 40
    assert lived.delay == pytest.approx(1.5 * DAY, abs=timedelta(hours=2))
    assert sum(lived.worth.values()) == pytest.approx(40 * 2.5)


def test_an_outcome_is_corrected_by_a_later_one(any_contract: Any, tmp_path: Path) -> None:
    write(tmp_path, any_contract, answers(any_contract, 2, 0))
    later = {"id": "p1", "at": (END - timedelta(seconds=1)).isoformat(), "outcome": "new"}
    with next(tmp_path.glob("outcomes-*")).open("a") as stream:
        stream.write(json.dumps(later) + "\n")

    assert logbook.outcomes(Stored(tmp_path), END)["p1"].outcome == "new"


def test_a_long_window_is_thinned_and_still_counted(
    any_contract: Any, tmp_path: Path, monkeypatch: Any
) -> None:
    monkeypatch.setattr(logbook, "MOST_ROWS", 20)
    write(tmp_path, any_contract, answers(any_contract, 90, 0))

    window = logbook.window(Stored(tmp_path), END - DAY, END, 1)

    assert window.count == 90
    assert 10 <= len(window.rows) <= 20


def test_personal_columns_reach_no_report_even_from_a_log_that_holds_them(tmp_path: Path) -> None:
    own = load_contract(OWN)
    name, column = next((n, c) for n, c in own.features.items() if c.type == "category")
    open_column = msgspec.structs.replace(
        column, values=("Secret One", "Secret Two"), personal=False
    )
    private = msgspec.structs.replace(open_column, personal=True)
    careless, careful = (
        msgspec.structs.replace(own, columns={**own.columns, name: kind})
        for kind in (open_column, private)
    )
    given = answers(own, 300, 0)
    write(tmp_path, careless, given, change=lambda row: row.update({name: "Secret One"}))

    found = look(tmp_path, champion(careful, reference=table(careless, 1000, seed=1)))
    monitor_report.write(tmp_path / "out", found, "churn")

    assert "Secret" in next(tmp_path.glob("predictions-*")).read_text(encoding="utf-8")
    for path in (tmp_path / "out").iterdir():
        assert "Secret" not in path.read_text(encoding="utf-8"), path.name
