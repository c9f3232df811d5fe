"""Looked-up features: as they were known at the time in training, as they are known now online."""

import asyncio
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from engine.commands import materialize as command
from engine.contract.read import parse_contract
from engine.core.errors import DataError, SettingsError
from engine.core.settings import Settings
from engine.data.checks import check_rows
from engine.data.read import read_rows
from engine.features import online as online_store
from engine.features import store as feature_store
from engine.features import tables as feature_tables
from engine.features.lookup import complete
from engine.features.tables import materialize
from engine.registry.inputs import data_hash

from .feature_project import CONTRACT, PEOPLE, moment, write
from .made_up import inside

SEEN = 'last "seen"'


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """An empty project folder, to work in."""
    with inside(tmp_path):
        yield tmp_path


def online_of(found: Any, day: str) -> Any:
    """What servers ask, as it is on a day of January."""
    materialize(found, Settings(), moment(day))
    store = online_store.OnlineStore(Settings())
    assert store.refresh() == ""
    return store


def test_a_row_sees_the_value_of_its_own_moment_and_never_a_later_one(folder: Path) -> None:
    found = write(
        folder,
        [
            ("ann", "2026-01-09T23:59:59.999999Z"),
            ("ann", "2026-01-10T00:00:00Z"),
            ("ann", "2025-12-31T23:59:59Z"),
            ("bob", "2026-01-06T00:00:00+12:00"),
            ("nobody", "2026-01-06T00:00:00Z"),
            ("ann", "2026-01-02T00:00:00Z"),
        ],
    )

    frame = feature_tables.complete(read_rows("data/rows.csv", found), found)

    assert frame["score"].tolist() == pytest.approx(
        [10.5, 20.5, math.nan, 30.5, math.nan, 10.5], nan_ok=True
    )
    assert frame["tier"].tolist() == ["a", "b, c", None, "new", None, "a"]


def test_values_have_the_types_of_values_that_stand_in_the_rows(folder: Path) -> None:
    found = write(folder, [(person, "2026-01-11T12:00:00Z") for person in ("bob", "ann", "cyd")])

    frame = feature_tables.complete(read_rows("data/rows.csv", found), found)

    types = {name: str(frame[name].dtype) for name in found.features}
    assert types == {
        "plan": "object",
        "score": "float64",
        "visits": "float64",
        "vip": "float64",
        SEEN: "datetime64[us]",
        "tier": "object",
    }
    assert frame["vip"].tolist()[:2] == [1.0, 0.0]
    assert str(frame[SEEN][0]) == "2026-01-05 11:00:00"
    assert frame.loc[2, [*found.looked_up("people")]].isna().all()
    check_rows(frame, found)


def test_a_value_that_is_too_old_is_missing_in_training(folder: Path) -> None:
    found = write(folder, [("ann", "2026-02-09T00:00:00Z"), ("ann", "2026-02-09T00:00:01Z")])

    frame = feature_tables.complete(read_rows("data/rows.csv", found), found)

    assert frame["visits"].tolist() == pytest.approx([2, math.nan], nan_ok=True)


def test_rows_that_serving_would_refuse_are_not_learnt_from(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = CONTRACT.replace("max_age_days = 30", 'when_missing = "refuse"')
    rows = [("ann", "2026-01-01T00:00:00Z"), ("eve", "2026-01-09T00:00:00Z")]
    found = write(folder, rows, text=text)

    frame = feature_tables.complete(read_rows("data/rows.csv", found), found)

    assert frame["person"].tolist() == ["ann"]
    assert "1 of 2 rows have no value in the table people" in capsys.readouterr().err


def test_a_batch_without_moments_sees_what_is_known_now(folder: Path) -> None:
    text = CONTRACT.replace("max_age_days = 30", "")
    found = write(folder, [], text=text)
    (folder / "batch.csv").write_text("person,plan\nann,k\nnobody,l\n")

    frame = feature_tables.complete(read_rows("batch.csv", found, with_target=False), found)

    assert frame["visits"].tolist() == pytest.approx([2, math.nan], nan_ok=True)
    earlier = feature_tables.complete(frame[["person", "plan"]], found, moment("02"))
    assert earlier["visits"].tolist() == pytest.approx([1, math.nan], nan_ok=True)
    dated = frame[["person", "plan"]].assign(at=pd.Timestamp("2026-01-11"))
    asked = feature_tables.complete(dated, found, moment("02"))  # asked for wins over the rows' own
    assert asked["visits"].tolist() == pytest.approx([1, math.nan], nan_ok=True)


def test_without_tables_no_store_is_asked(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lines = [line for line in CONTRACT.splitlines() if not line.startswith("table =")]
    before, _, rest = "\n".join(lines).partition("[tables.people]")
    found = parse_contract(before + rest[rest.index("[columns.plan]") :])
    for name in ("historical", "materialize"):
        monkeypatch.delattr(feature_store, name)
    header = 'plan,score,visits,vip,tier,"last ""seen"""'
    (folder / "flat.csv").write_text(f"{header}\nk,1,2,true,a,\n")
    rows = read_rows("flat.csv", found, with_target=False)

    assert complete(rows, found) is rows
    assert rows["visits"].tolist() == [2]
    assert found.sent == found.features
    assert not list(folder.glob("features"))


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (("ann", "2026-01-10T00:00:00Z", 1, 1, "", "", ""), "repeat 'person' and 'changed'"),
        (("dan", "2026-01-10T00:00:00Z", 100.5, 1, "", "", ""), "'score' must be at most 100"),
        (("dan", "2026-01-10T00:00:00Z", 1, 1.5, "", "", ""), "'visits' must be a whole number"),
        (("", "2026-01-10T00:00:00Z", 1, 1, "", "", ""), "'person' may not be missing"),
        (("dan", "", 1, 1, "", "", ""), "'changed' may not be missing"),
        (("dan", "soon", 1, 1, "", "", ""), "'changed' must be a time"),
    ],
)
def test_a_broken_table_is_refused_and_the_old_values_stay(
    folder: Path, row: Any, message: str
) -> None:
    found = write(folder, [("ann", "2026-01-12T00:00:00Z")])
    before = online_of(found, "12")
    write(folder, [("ann", "2026-01-12T00:00:00Z")], [*PEOPLE, row])

    with pytest.raises(DataError) as caught:
        materialize(found, Settings(), moment("13"))

    assert "data/people.csv (the table people)" in str(caught.value)
    assert message in str(caught.value)
    assert "row 6" in str(caught.value)
    assert before.refresh() == ""
    [ann] = asyncio.run(before.find("people", ["ann"], "person"))
    before.close()
    assert ann.values["visits"] == 2


def test_a_table_without_a_column_is_refused(folder: Path) -> None:
    found = write(folder, [("ann", "2026-01-12T00:00:00Z")])
    (folder / "data/people.csv").write_text("person,changed,score\nann,2026-01-01,1\n")

    with pytest.raises(DataError, match=r"the table people\) has no column 'visits'"):
        feature_tables.complete(read_rows("data/rows.csv", found), found)


def test_another_value_in_a_table_is_another_run(folder: Path) -> None:
    found = write(folder, [("ann", "2026-01-12T00:00:00Z")])
    before = data_hash(found)
    write(folder, [("ann", "2026-01-12T00:00:00Z")], PEOPLE[:3])

    assert data_hash(found) != before


def test_the_verb_materializes_or_says_that_there_is_nothing(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(folder, [("ann", "2026-01-12T00:00:00Z")])

    assert command.main(["materialize", "--until", "2026-01-06T00:00:00Z"]) == 0
    assert "the table people: 3 values of 'person'" in capsys.readouterr().out
    for wrong in ("soon", "2026-01-06"):
        with pytest.raises(SettingsError, match="--until"):
            command.main(["materialize", "--until", wrong])
