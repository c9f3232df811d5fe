"""The contract says what is allowed, and refuses to contradict itself."""

from pathlib import Path

import pytest

from engine.contract.read import load_contract, parse_contract
from engine.core.errors import ContractError

GOOD = """
[dataset]
source = "rows.csv"
target = "y"
task = "classification"
classes = ["a", "b"]
positive = "b"
[split]
[columns.x]
type = "number"
min = 0.0
[columns.c]
type = "category"
values = ["k", "l"]
[gates]
metric = "roc_auc"
floor = 0.5
"""


def test_the_order_of_features_is_that_of_the_file() -> None:
    found = parse_contract(GOOD)

    assert list(found.features) == ["x", "c"]
    assert (found.numbers, found.categories) == (("x",), ("c",))


def test_a_masked_personal_column_may_be_a_feature() -> None:
    masked = GOOD.replace("[split]", 'privacy = "mask"\n[split]').replace(
        "min = 0.0", "personal = true"
    )

    assert "x" in parse_contract(masked).features


def test_a_datetime_gives_its_parts_and_never_itself() -> None:
    found = parse_contract(GOOD.replace('type = "number"\nmin = 0.0', 'type = "datetime"'))

    assert found.numbers == ("x.hour", "x.weekday", "x.yearday")


def test_the_fingerprint_is_blind_to_comments_and_sees_every_value() -> None:
    plain = parse_contract(GOOD).fingerprint

    assert parse_contract("# a comment\n" + GOOD).fingerprint == plain
    assert parse_contract(GOOD.replace("min = 0.0", "min = 0.1")).fingerprint != plain


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('target = "y"', 'target = "x"', "'x'] is the target"),
        ('classes = ["a", "b"]', 'classes = ["a"]', "needs two or more"),
        ('positive = "b"', 'positive = "z"', "must be one of"),
        ('positive = "b"', 'colour = "b"', "[dataset] has 'colour', which is no entry of it"),
        ("[columns.c]", "[columns.c]\nrole = 'audti'", "has role = 'audti': did you mean 'audit'?"),
        ("[columns.c]", "[columns.c]\nrole = 'audti'", "[columns.'c']"),
        ("[columns.c]", "[columns.c]\nrole = 'audti'", "'feature', 'audit', 'outcome_value'"),
        (
            "[columns.c]",
            "[columns.c]\nrol = 'audit'",
            "has 'rol', which is no entry of it: did you",
        ),
        ('type = "number"\n', "", "[columns.'x'] has no 'type', which it needs"),
        ("[columns.c]", "[columns.c]\nmin = 'low'", "has min = 'low': expected"),
        (
            "[split]",
            "split = 3\n[splits]",
            "'splits', which is no entry of it: did you mean 'split'",
        ),
        ("[split]", 'encoding = "cp9"\n[split]', "'cp9', which Python does not know"),
        ("[split]", 'encoding = "hex"\n[split]', "'hex', which Python does not know"),
        ("[split]", 'thousands = "."\n[split]', "are both '.'"),
        ("min = 0.0", "min = 3.0\nmax = 2.0", "min 3.0 above max 2.0"),
        ("min = 0.0", "min = nan", "not a finite number"),
        ("min = 0.0", 'known_at = "outcome"', "may never be a feature"),
        ("[split]\n[columns.x]", 'privacy = "drop"\n[split]\n[columns.x]\npersonal = true', "drop"),
        ('type = "number"\nmin = 0.0', 'type = "text"', "free text"),
        ('values = ["k", "l"]', "", "category without values"),
        ('values = ["k", "l"]', 'values = ["k", ""]', "empty text means missing"),
        ('values = ["k", "l"]', 'values = ["k"]\nunknown = "missing"', "nullable = true"),
        ("[split]", '[split]\nmethod = "time"', "dataset.timestamp names no column"),
        ("[split]", '[split]\nthen_by = ["xy"]', "split.then_by names 'xy', which no entry"),
        ("[split]", '[split]\nmethod = "group"', "dataset.entity names no column"),
        ("[split]", "[split]\ntest = 0.9", "leave rows to train on"),
        ("floor = 0.5", "floor = ", "not valid TOML"),
        ("floor = 0.5", 'floor = "high"', "floor"),
        ("[gates]", "[decision]\n[gates]", "either threshold, or cost_false_positive"),
        ("[gates]", "[decision]\nthreshold = 1.5\n[gates]", "threshold is 1.5; it must lie"),
        ("[gates]", "[decision]\nthreshold = nan\n[gates]", "it must lie between 0 and 1"),
        ("[gates]", "[decision]\ncost_false_positive = 1\n[gates]", "no cost_false_negative"),
        (
            "[gates]",
            "[decision]\ncost_false_positive = 0\ncost_false_negative = 1\n[gates]",
            "cost_false_positive is 0; it must be a number above 0",
        ),
        (
            "[gates]",
            "[decision]\nthreshold = 0.3\ncost_false_positive = 1\n[gates]",
            "it has both",
        ),
        (
            'classes = ["a", "b"]\npositive = "b"\n[split]',
            'classes = ["a", "b", "c"]\n[decision]\nthreshold = 0.3\n[split]',
            "this classification has 3 classes; remove it",
        ),
        (
            'task = "classification"\nclasses = ["a", "b"]\npositive = "b"\n[split]',
            'task = "regression"\n[decision]\nthreshold = 0.3\n[split]',
            "this is a regression; remove it",
        ),
    ],
)
def test_a_contradiction_is_refused_with_its_place(old: str, new: str, message: str) -> None:
    assert old in GOOD

    with pytest.raises(ContractError, match="contract") as caught:
        parse_contract(GOOD.replace(old, new))

    assert message in str(caught.value)


def test_costs_give_a_threshold_and_a_chosen_one_changes_nothing_of_what_is_asked() -> None:
    costs = "[decision]\ncost_false_positive = 1\ncost_false_negative = 4\n[gates]"
    found = parse_contract(GOOD.replace("[gates]", costs))

    assert (found.threshold, found.decided(0.3).threshold) == (0.2, 0.3)
    assert found.decided(0.3).costs == found.costs == (1, 4)
    assert found.decided(0.3).fingerprint == found.fingerprint
    assert found.decided(None).threshold is None
    other = parse_contract(GOOD.replace("[gates]", costs.replace("4", "5")))
    assert other.fingerprint != found.fingerprint != parse_contract(GOOD).fingerprint


def test_another_threshold_is_another_contract() -> None:
    found = [
        parse_contract(GOOD.replace("[gates]", f"[decision]\nthreshold = {at}\n[gates]"))
        for at in (0.3, 0.4)
    ]

    assert found[0].fingerprint != found[1].fingerprint


def test_a_missing_contract_says_how_to_write_one(tmp_path: Path) -> None:
    with pytest.raises(ContractError, match="contract draft"):
        load_contract(tmp_path / "contract.toml")


MORE = """
[tables.people]
source = "people.parquet"
entity = "person"
timestamp = "changed"
[columns.age]
type = "integer"
nullable = true
table = "people"
"""
TABLE = GOOD.replace("[split]", 'timestamp = "at"\n[split]') + MORE


def test_a_request_names_the_entity_and_not_what_is_looked_up() -> None:
    found = parse_contract(TABLE)

    assert list(found.features) == ["x", "c", "age"]
    assert list(found.sent) == ["person", "x", "c"]
    assert list(found.looked_up("people")) == ["age"]
    assert found.sent["person"].type == "text"


def test_a_table_changes_the_fingerprint() -> None:
    assert parse_contract(TABLE).fingerprint != parse_contract(GOOD).fingerprint


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('timestamp = "at"', "", "dataset.timestamp names no column"),
        ("nullable = true", "", "set nullable = true, or when_missing"),
        ('table = "people"', 'table = "persons"', "[tables] has: people"),
        ('table = "people"', "", "has no feature"),
        ('table = "people"', 'table = "people"\nrole = "audit"', "only a feature may have"),
        ('entity = "person"', 'entity = "x"', "must be a text, an integer or a category"),
        ('entity = "person"', 'entity = "age"', "stands in the rows themselves"),
        ('entity = "person"', 'entity = "y"', "the target for its entity"),
        ('timestamp = "changed"', 'timestamp = "age"', "as entity or timestamp"),
        ('timestamp = "changed"', 'timestamp = "changed"\nmax_age_days = 0', "above 0"),
        ("[tables.people]", "[tables.People]", "lower-case letters"),
    ],
)
def test_a_table_that_cannot_be_is_refused(old: str, new: str, message: str) -> None:
    with pytest.raises(ContractError) as caught:
        parse_contract(TABLE.replace(old, new))

    assert message in str(caught.value)
