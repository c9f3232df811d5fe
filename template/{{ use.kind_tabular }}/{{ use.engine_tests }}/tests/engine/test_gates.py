"""Verdicts: a limit fails only what the rows can tell, and what nobody limited is not decided."""

from typing import Any

import pytest

from engine.contract.read import parse_contract
from engine.core.errors import ContractError
from engine.registry.runs import Gap, Gate, Group
from engine.training.export import Parity
from engine.training.gates import check, shown
from engine.training.gates.groups import REST, Compared

CONTRACT = """
[dataset]
source = "data/rows.csv"
task = "classification"
target = "t"
classes = ["no", "yes"]
positive = "yes"

[gates]
metric = "roc_auc"
{limits}

[columns.size]
type = "number"
"""


def gap(value: float, low: float, high: float, rows: int = 80, column: str = "size") -> Gap:
    worse = Group(column, "small", "true positive rate", rows, 0.5)
    return Gap(worse, Group(column, "large", "true positive rate", rows, 0.9), value, low, high)


def judged(
    limits: str = "",
    slices: list[Gap] | None = None,
    linear: dict[str, float] | None = None,
    **fairness: Any,
) -> dict[str, Gate]:
    """The gates of a model with ROC AUC 0.8."""
    found = check.check(
        parse_contract(CONTRACT.format(limits=limits)),
        model={"roc_auc": 0.8},
        baseline={"roc_auc": 0.5},
        reference=linear or {},
        champion=None,
        champion_note="no champion yet",
        slices=Compared(slices or [], []),
        fairness=fairness,
        parity=Parity(10, 0.0, 0),
        p99_ms=1.0,
    )
    return {gate.name: gate for gate in found}


@pytest.mark.parametrize(
    ("gaps", "verdict", "value"),
    [
        ([gap(0.1, 0.0, 0.19)], "passed", 0.1),
        ([gap(0.1, 0.0, 0.21)], "cannot tell", 0.1),
        ([gap(0.3, 0.19, 0.5)], "cannot tell", 0.3),
        ([gap(0.3, 0.21, 0.5)], "failed", 0.3),
        # the one of few rows is larger, and the other one is known to be over the limit
        ([gap(0.4, 0.1, 0.7), gap(0.3, 0.21, 0.5)], "failed", 0.3),
        # the one of many rows is kept, and the other one may be over the limit
        ([gap(0.15, 0.12, 0.18), gap(0.1, -0.2, 0.3)], "cannot tell", 0.1),
        ([], "not measured", None),
    ],
)
def test_a_limit_fails_only_what_the_rows_can_tell(
    gaps: list[Gap], verdict: str, value: float | None
) -> None:
    found = judged("slice_gap = 0.2\nfairness_gap = 0.2", gaps, sex=Compared(gaps, []))

    for gate in (found["slice gap"], found["fairness gap: sex"]):
        assert (gate.verdict, gate.value) == (verdict, value)
        assert gate.failed == (verdict == "failed")


def test_what_nobody_limited_is_measured_and_not_decided() -> None:
    gaps = [gap(0.1, -0.1, 0.3), gap(0.4, 0.3, 0.5)]

    found = judged("", gaps, sex=Compared(gaps, []))

    open_ones = {name: gate for name, gate in found.items() if gate.verdict == "not decided"}
    assert {name: gate.value for name, gate in open_ones.items()} == {
        "roc_auc floor": 0.8,
        "slice gap": 0.4,
        "fairness gap: sex": 0.4,
    }
    assert not [gate for gate in found.values() if gate.failed]
    lines = shown.to_decide(list(found.values()))
    assert lines == ["floor = 0.8", "slice_gap = 0.1", "fairness_gap = 0.1"]
    decided = judged("\n".join(lines), gaps, sex=Compared(gaps, []))
    assert "not decided" not in {gate.verdict for gate in decided.values()}
    assert decided["roc_auc floor"].verdict == "passed"


@pytest.mark.parametrize(
    ("value", "linear", "floor", "is_said"),
    [
        (-2.0, 0.88, 0.0, True),
        (-2.0, -1.0, 0.0, False),
        (-2.0, None, 0.0, False),
        (0.9, 1, 0, False),
    ],
)
def test_a_linear_model_that_keeps_a_failed_floor_is_the_way_out(
    value: float, linear: float | None, floor: float, is_said: bool
) -> None:
    gates = [
        check._floor("m", sign * value, 0, at, sign * floor, sign)
        for sign, at in ((1, linear), (-1, None if linear is None else -linear))
    ]

    for gate in gates:
        assert gate.failed == (value < floor)
        assert ("keeps it" in gate.note and "model=linear" in gate.note) == is_said


@pytest.mark.parametrize(
    ("value", "baseline", "sign", "line"),
    [
        (0.8367, 0.5, 1, "0.83"),
        (283.4, 900.0, -1, "290"),
        (-0.114, -0.3, 1, "-0.12"),
        (0.0, -0.1, 1, "0"),
        (0.435, 0.5, 1, "0.5"),  # worse than guessing is no example of good enough
        (410.0, 400.0, -1, "400"),
    ],
)
def test_the_floor_that_is_shown_as_an_example_is_what_was_reached(
    value: float, baseline: float, sign: int, line: str
) -> None:
    gate = check._floor("m", value, baseline, None, None, sign)

    assert gate.line == f"floor = {line}"
    kept = check._floor("m", value, baseline, None, float(line), sign).verdict == "passed"
    assert kept == (sign * (value - baseline) > 0)


def test_a_gap_is_told_with_both_groups_and_what_they_count() -> None:
    small = [Group("sex", "other", "true positive rate", 5, None)]

    gate = judged("", sex=Compared([gap(0.4, 0.3, 0.5, 46, "sex")], small))["fairness gap: sex"]

    assert gate.bounds == (0.3, 0.5)
    assert gate.note == (
        "true positive rate of sex = 'small': 0.5 of 46 positives, 'large': 0.9 of 46 positives; "
        "too small to judge: other (5 positives)"
    )


def test_nothing_that_can_be_judged_is_said_to_be_so() -> None:
    small = [Group("sex", "other", "true positive rate", 5, None)]

    gate = judged("fairness_gap = 0.1", sex=Compared([], small))["fairness gap: sex"]

    assert (gate.verdict, gate.value) == ("not measured", None)
    assert gate.note == "no two groups are large enough; too small to judge: other (5 positives)"
    assert judged()["slice gap"].note == "there are no two groups to compare"


def test_the_table_says_everything_in_80_columns() -> None:
    wide = gap(0.4, 0.3, 0.5, 46, "a column with quite a long name, as some tables have them")
    of_rest = Gap(wide.worse, Group("", REST, "accuracy", 900, 0.9), 0.1, 0.05, 0.3)
    found = judged("slice_gap = 0.2", [of_rest], **{wide.worse.column: Compared([wide], [])})
    failed = Gate("latency p99 in ms", 71.5, "<= 50", "failed", "one row, without HTTP")

    text = shown.table([*found.values(), failed])

    assert max(map(len, text.splitlines())) <= 80
    flat = " ".join(text.split())
    assert "latency p99 in ms 71.5 <= 50 FAILED one row, without HTTP" in flat
    assert "over champion - >= 0 not measured no champion yet" in flat
    assert "slice gap 0.1 <= 0.2 CANNOT TELL between 0.05 and 0.3 with 95 %" in flat
    assert f"fairness gap: {wide.worse.column} 0.4 none NOT DECIDED" in flat
    assert "all other rows: 0.9 of 900 rows" in flat
    assert "CANNOT TELL: slice gap." in flat
    assert text.endswith("    floor = 0.8\n    fairness_gap = 0.1")


def test_a_table_with_nothing_open_ends_with_its_last_gate() -> None:
    text = shown.table([Gate("latency p99 in ms", 1.0, "<= 50", "passed")])

    assert len(text.splitlines()) == 2


@pytest.mark.parametrize(
    ("limits", "reason"),
    [
        ("slice_gap = 3", "gates.slice_gap is 3; it is a difference between shares of rows"),
        ("fairness_gap = -0.1", r"gates.fairness_gap is -0.1; .* 0 to 1"),
        ("slice_rows = 1", "gates.slice_rows is 1; the least is 2"),
    ],
)
def test_a_limit_that_cannot_be_one_is_refused(limits: str, reason: str) -> None:
    with pytest.raises(ContractError, match=reason):
        parse_contract(CONTRACT.format(limits=limits))


@pytest.mark.parametrize(("linear", "is_way_out"), [(0.79, False), (0.8, True), (0.9, True)])
@pytest.mark.parametrize("limits", ["", "reference_margin = 0.01"])
def test_a_reference_that_is_no_worse_is_named_as_the_way_out(
    linear: float, is_way_out: bool, limits: str
) -> None:
    gate = judged(limits, linear={"roc_auc": linear})[check.OVER_REFERENCE]

    assert gate.value == pytest.approx(0.8 - linear)
    assert gate.note.startswith(f"it has {linear:.4g}")
    assert (check.LINEAR in gate.note) == is_way_out
    assert gate.failed == bool(limits and linear > 0.79)
