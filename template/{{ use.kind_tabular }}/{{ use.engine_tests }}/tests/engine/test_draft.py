"""A first contract from tables that are awkward in the usual ways."""

import csv
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as parquet
import pytest

from engine.contract.read import parse_contract
from engine.core.errors import DataError
from engine.core.settings import load_settings
from engine.data.checks import check_rows
from engine.data.read import read_rows
from engine.training import train
from tools.draft import dialect as sniff
from tools.draft import toml as draft
from tools.draft.draft import draft_contract

Rows = list[dict[str, Any]]
ROWS = 240


def rows(make: Callable[[int, random.Random], dict[str, Any]] | None = None) -> Rows:
    """A number and a category with a signal, a target, and what `make` adds or changes."""
    chance = random.Random(1)
    found = []
    for i in range(ROWS):
        size, kind = round(chance.gauss(10, 3), 2), chance.choice(["red", "green", "blue"])
        answer = "yes" if size + 2 * (kind == "red") + chance.gauss(0, 2) > 11 else "no"
        row = {"size": size, "kind": kind, "answer": answer}
        found.append(row | (make(i, chance) if make else {}))
    return found


def written(folder: Path, table: Rows, separator: str = ",", encoding: str = "utf-8") -> str:
    """The table as a CSV file."""
    path = folder / "table.csv"
    with path.open("w", encoding=encoding, newline="") as stream:
        writer = csv.DictWriter(stream, fieldnames=list(table[0]), delimiter=separator)
        writer.writeheader()
        writer.writerows(table)
    return str(path)


def drafted(folder: Path, table: Rows, target: str = "answer", **how: Any) -> Any:
    """The draft for a table; the contract it writes must parse, and its own rows must keep it."""
    found = draft_contract(written(folder, table, **how), target)
    parsed = parse_contract(draft.to_toml(found))
    check_rows(read_rows(parsed.dataset.source, parsed), parsed)
    assert list(parsed.columns) == [name for name in table[0] if name != target]
    return found


@pytest.mark.parametrize("yes", ["yes", "ja", "sí"])
def test_a_yes_is_the_positive_class_also_where_it_is_the_rule(tmp_path: Path, yes: str) -> None:
    rows = [f"{number % 7},{yes if number % 3 else 'no'}" for number in range(90)]
    (tmp_path / "rows.csv").write_text("\n".join(["size,left", *rows]), encoding="utf-8")

    draft = draft_contract(str(tmp_path / "rows.csv"), "left")

    assert draft.contract.positive == yes
    assert f"the positive class is {yes!r}, by its name" in draft.notes


def test_types_ranges_and_values_are_those_of_the_rows(tmp_path: Path) -> None:
    found = drafted(tmp_path, rows(lambda i, _: {"count": i % 7, "flag": "No" if i % 3 else "yes"}))

    columns = found.contract.columns
    assert (columns["size"].type, columns["count"].type) == ("number", "integer")
    assert (columns["count"].min, columns["count"].max) == (0, 6)
    assert columns["flag"].type == "boolean"
    assert columns["kind"].values == ("blue", "green", "red")
    assert found.contract.dataset.positive == "yes"
    assert set(found.contract.features) == {"size", "kind", "count", "flag"}


MARKERS = ["NA", "nan", "", "  ", "Null", "?", "N/A"]
AWKWARD: dict[str, tuple[Callable[[int, random.Random], Any], dict[str, Any], str]] = {
    "blank strings in numbers": (
        lambda i, _: "  " if i % 9 == 0 else i / 7,
        {"type": "number", "nullable": True},
        "",
    ),
    "mixed-case markers": (
        lambda i, _: MARKERS[i % 7] if i % 5 == 0 else i,
        {"type": "integer", "nullable": True},
        "",
    ),
    "a marker of its own": (
        lambda i, _: "missing" if i % 9 == 0 else i / 7,
        {"type": "number", "nullable": True},
        "'missing', which is taken for missing",
    ),
    "booleans as words": (lambda i, _: ["Y", "n", "N", "y"][i % 4], {"type": "boolean"}, ""),
    "booleans of Python": (lambda i, _: str(i % 3 == 0), {"type": "boolean"}, ""),
    "constant": (lambda _i, _: "same", {"role": "ignored"}, "every value is 'same'"),
    "constant number": (
        lambda _i, _: 5,
        {"role": "ignored", "type": "integer"},
        "every value is '5'",
    ),
    "empty": (lambda _i, _: "", {"role": "ignored"}, "no row has a value"),
    "row number": (lambda i, _: i + 100, {"role": "ignored"}, "looks like a key"),
    "unique text": (
        lambda _i, r: f"{r.choice('abcdef')} thing {r.random()}",
        {"role": "ignored"},
        "nearly unique",
    ),
    "codes": (
        lambda i, r: f"A-{r.randrange(10**9)}-{i}",
        {"role": "ignored", "type": "text"},
        "looks like a key",
    ),
    "leading zeros": (
        lambda i, _: f"00{i % 4}",
        {"type": "category", "values": ("000", "001", "002", "003")},
        "",
    ),
    "quoted line breaks": (
        lambda i, _: ["one\nline", "two\r\nlines", "a, b"][i % 3],
        {"type": "category"},
        "",
    ),
    "prose": (
        lambda _i, r: " ".join(r.choice(["so", "it", "was", "said"]) for _ in range(40)),
        {"role": "ignored"},
        "free text",
    ),
    "many categories": (
        lambda _i, r: f"shop {int(r.paretovariate(0.5))}",
        {"unknown": "missing", "nullable": True},
        "most frequent",
    ),
    "e-mail": (
        lambda i, _: f"p{i % 90}@example.org",
        {"role": "ignored", "personal": True},
        "e-mail addresses",
    ),
    "phone": (
        lambda _i, r: f"+49 30 {r.randrange(10**6, 10**7)}",
        {"personal": True},
        "phone numbers",
    ),
    "dates": (
        lambda i, _: f"2026-0{1 + i % 8}-1{i % 9}" if i % 7 else "",
        {"type": "datetime", "nullable": True},
        "",
    ),
    "days first": (
        lambda i, _: f"{1 + i % 28}.{1 + i % 12}.2026" if i % 7 else "",
        {"type": "datetime"},
        "day_first",
    ),
    "months first": (
        lambda i, _: f"{1 + i % 12}/{1 + i % 28}/2026" if i % 7 else "",
        {"type": "datetime"},
        "month_first",
    ),
    "thousands with commas": (
        lambda i, _: f"{1 + i % 9},{100 + i}",
        {"type": "integer", "min": 200, "max": 10200},
        'dataset.thousands = ","',
    ),
    "sentinel": (
        lambda i, _: -999 if i % 9 == 0 else i % 50,
        {"type": "integer"},
        "-999 may stand for missing",
    ),
    "infinity": (
        lambda i, _: "inf" if i % 99 == 0 else i / 7,
        {"type": "number", "nullable": True},
        "'inf'",
    ),
}


@pytest.mark.parametrize("case", AWKWARD)
def test_an_awkward_column_finds_its_place(tmp_path: Path, case: str) -> None:
    make, expected, note = AWKWARD[case]

    found = drafted(tmp_path, rows(lambda i, chance: {"odd": make(i, chance)}))

    entry = found.contract.columns["odd"]
    assert {name: getattr(entry, name) for name in expected} == expected
    assert note in "\n".join(found.all_notes)


NAMES = [
    "with space",
    "dot.ted",
    'qu"ote',
    "it's",
    "größe (m²)",
    "日本",
    "[x]",
    "#",
    "a=b",
    "back\\slash",
    "UPPER",
    "tab\there",
    "",
]


@pytest.mark.parametrize("name", NAMES)
def test_any_column_name_survives(tmp_path: Path, name: str) -> None:
    found = drafted(tmp_path, rows(lambda i, _: {name: i / 3}))

    assert name in parse_contract(draft.to_toml(found)).features


@pytest.mark.parametrize("separator", [";", "\t", "|"])
def test_separator_and_byte_order_mark_are_found(tmp_path: Path, separator: str) -> None:
    found = drafted(tmp_path, rows(), separator=separator, encoding="utf-8-sig")

    assert found.contract.dataset.separator == separator
    assert list(found.contract.columns) == ["size", "kind"]


def test_a_byte_order_mark_is_not_part_of_the_first_name(tmp_path: Path) -> None:
    """Split at commas, this table is as even and wider; only the name of the target tells."""
    table = [
        {"answer": row["answer"], "a,b": f"{i},5", "c,d,e": "x,y,z"} for i, row in enumerate(rows())
    ]
    path = tmp_path / "table.csv"
    lines = [";".join(table[0]), *(";".join(row.values()) for row in table)]
    path.write_text("\n".join(lines), encoding="utf-8-sig")

    assert sniff.separator(path.read_bytes(), "answer") == ";"


def test_a_file_name_cannot_break_out_of_a_comment(tmp_path: Path) -> None:
    path = Path(written(tmp_path, rows())).rename(tmp_path / "odd\a\nstore = 1 name.csv")

    found = draft_contract(str(path), "answer")

    assert parse_contract(draft.to_toml(found)).dataset.source == str(path)


def test_a_decimal_comma_is_understood(tmp_path: Path) -> None:
    table = [row | {"size": str(row["size"]).replace(".", ",")} for row in rows()]

    found = drafted(tmp_path, table, separator=";")

    assert found.contract.dataset.decimal == ","
    assert found.contract.columns["size"].type == "number"


def test_a_column_of_a_protected_group_is_watched_and_not_used(tmp_path: Path) -> None:
    found = drafted(tmp_path, rows(lambda i, _: {"Gender": "mfd"[i % 3], "page": i % 4}))

    gender = found.contract.columns["Gender"]
    assert (gender.role, gender.sensitive) == ("audit", True)
    assert not found.contract.columns["page"].sensitive


REFUSED: dict[str, tuple[Callable[[int], Any], str]] = {
    "one class": (lambda _i: "only", "'t' has one value only ('only')"),
    "nothing": (lambda _i: "", "'t' has no value in any row"),
    "a class for each row": (lambda i: f"name {i}", "nearly as many classes as rows"),
    "too few rows": (lambda i: i % 2 if i < 10 else "", "'t' is known in 10 rows"),
    "times": (lambda i: f"2026-01-{1 + i % 28:02d}", "'t' holds times"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_target_that_cannot_be_modelled_is_refused(tmp_path: Path, case: str) -> None:
    make, reason = REFUSED[case]
    source = written(tmp_path, rows(lambda i, _: {"t": make(i)}))

    with pytest.raises(DataError, match=reason.replace("(", r"\(").replace(")", r"\)")):
        draft_contract(source, "t")


def test_a_table_without_a_usable_feature_is_refused(tmp_path: Path) -> None:
    source = written(tmp_path, [{"row_id": i, "same": 1, "t": i % 2} for i in range(ROWS)])

    with pytest.raises(DataError, match="no column is left to predict 't' from: 'row_id' looks"):
        draft_contract(source, "t")


def test_a_misspelt_target_is_answered_with_the_nearest_name(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="did you mean 'answer'"):
        draft_contract(written(tmp_path, rows()), "anwser")


def test_two_columns_of_one_name_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "twice.csv"
    path.write_text("a,b,a\n" + "1,2,3\n" * 30, encoding="utf-8")

    with pytest.raises(DataError, match="more than one column named 'a'"):
        draft_contract(str(path), "b")


@pytest.mark.parametrize(
    ("make", "task"),
    [
        (lambda _i, r: round(r.gauss(0, 1), 3), "regression"),
        (lambda _i, r: r.randrange(1000), "regression"),
        (lambda _i, r: r.randrange(3), "classification"),
        (lambda _i, r: r.choice(["True", "False"]), "classification"),
    ],
)
def test_the_task_follows_from_the_target(tmp_path: Path, make: Any, task: str) -> None:
    found = drafted(tmp_path, rows(lambda i, chance: {"t": make(i, chance)}), target="t")

    assert found.contract.dataset.task == task


def test_rows_without_a_target_are_counted_and_left_out(tmp_path: Path) -> None:
    table = [row | ({"answer": "NA"} if i % 10 == 0 else {}) for i, row in enumerate(rows())]

    found = drafted(tmp_path, table)

    assert found.contract.classes == ("no", "yes")
    assert "24 of 240 rows have no target: nothing is learnt from them" in found.notes


def test_leaks_are_kept_from_the_model(tmp_path: Path) -> None:
    table = [
        row | {"verdict": row["answer"].upper(), "fee": i % 13} for i, row in enumerate(rows())
    ]

    found = drafted(tmp_path, table)

    verdict = found.contract.columns["verdict"]
    assert (verdict.role, verdict.known_at) == ("ignored", "outcome")
    assert "verdict" in "\n".join(found.all_notes)
    assert set(found.contract.features) == {"size", "kind", "fee"}


def test_parts_of_a_sum_and_a_sum_with_a_leak_are_leaks(tmp_path: Path) -> None:
    def parts(_: int, chance: random.Random) -> dict[str, Any]:
        fare, extra = round(chance.uniform(5, 60), 2), round(chance.uniform(0, 20), 2)
        return {"fare": fare, "extra": extra, "total": round(fare + extra + chance.random(), 2)}

    total = drafted(tmp_path, rows(parts), target="total").contract
    extra = drafted(tmp_path, rows(parts), target="extra").contract

    assert {n for n, c in total.columns.items() if c.known_at == "outcome"} == {"fare", "extra"}
    assert {n for n, c in extra.columns.items() if c.known_at == "outcome"} == {"total"}


def test_time_and_entity_decide_the_split(tmp_path: Path) -> None:
    def events(i: int, _: random.Random) -> dict[str, Any]:
        return {"customer_id": i // 2, "start": f"2026-01-{1 + i // 12:02d} 10:{i % 60:02d}"}

    timed = drafted(tmp_path, rows(events)).contract
    grouped = drafted(
        tmp_path, rows(lambda i, r: {"customer_id": events(i, r)["customer_id"]})
    ).contract

    assert (timed.split.method, timed.dataset.timestamp) == ("time", "start")
    assert (grouped.split.method, grouped.dataset.entity) == ("group", "customer_id")


def test_a_time_after_the_event_is_not_known_in_time(tmp_path: Path) -> None:
    def trip(i: int, _: random.Random) -> dict[str, Any]:
        day = f"2026-01-{1 + i // 12:02d}"
        return {"left": f"{day} 10:{i % 60:02d}", "arrived": f"{day} 11:{i % 60:02d}"}

    found = drafted(tmp_path, rows(trip)).contract

    assert found.dataset.timestamp == "left"
    assert found.columns["arrived"].known_at == "outcome"


def test_a_parquet_column_of_nan_is_empty(tmp_path: Path) -> None:
    table = pa.Table.from_pylist(rows(lambda _i, _: {"nothing": float("nan")}))
    parquet.write_table(table, tmp_path / "table.parquet")

    found = draft_contract(str(tmp_path / "table.parquet"), "answer")

    assert found.reasons["nothing"] == ["no row has a value"]


def test_parquet_gives_the_contract_of_its_csv_twin(tmp_path: Path) -> None:
    table = rows(
        lambda i, _: {"count": i % 7, "flag": i % 3 == 0, "gap": None if i % 5 == 0 else i / 9}
    )
    parquet.write_table(pa.Table.from_pylist(table), tmp_path / "table.parquet")

    plain = drafted(tmp_path, table).contract
    packed = draft_contract(str(tmp_path / "table.parquet"), "answer").contract

    assert packed.columns == plain.columns
    assert packed.classes == plain.classes


def test_the_worst_table_of_all_can_be_trained_on(tmp_path: Path, monkeypatch: Any) -> None:
    def worst(i: int, chance: random.Random) -> dict[str, Any]:
        return {f'{case}: "odd" größe': make(i, chance) for case, (make, _, _) in AWKWARD.items()}

    monkeypatch.chdir(tmp_path)
    (tmp_path / "params.toml").write_text("", encoding="utf-8")
    found = drafted(tmp_path, rows(worst), separator=";", encoding="utf-8-sig")
    (tmp_path / "contract.toml").write_text(draft.to_toml(found), encoding="utf-8")

    record = train.train(load_settings(env={}))

    verdicts = {gate.name: gate.verdict for gate in record.gates}
    assert verdicts["parity: rows over it"] == "passed"


@pytest.mark.parametrize(("every", "metric"), [(24, "average_precision"), (4, "roc_auc")])
def test_a_rare_class_is_said_and_judged_by_average_precision(
    tmp_path: Path, every: int, metric: str
) -> None:
    found = drafted(tmp_path, rows(lambda i, _: {"answer": "no" if i % every else "yes"}))

    assert found.contract.gates.metric == metric
    said = "class 'yes' has" in " ".join(found.notes)
    assert said == (240 / every / 5 < 10)
    proposed = "10 of 240 rows (0.042 of all) are 'yes', so gates.metric is average_precision"
    assert any(proposed in note for note in found.notes) == (every == 24)


@pytest.mark.parametrize(("rare", "metric"), [(40, "roc_auc"), (2, "balanced_accuracy")])
def test_of_several_classes_each_is_told_from_the_others_where_all_parts_have_them(
    tmp_path: Path, rare: int, metric: str
) -> None:
    table = rows(lambda i, _: {"answer": "rare" if i < rare else "ab"[i % 2]})

    assert drafted(tmp_path, table).contract.gates.metric == metric
