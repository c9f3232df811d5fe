"""What a server adds to a request: what is known now, by the contract's rules."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from engine.core.errors import ProjectError, RequestError
from engine.core.settings import Settings
from engine.data.read import read_file, typed_rows
from engine.features import online as online_store
from engine.features import tables as feature_tables
from engine.features.tables import materialize
from engine.serving.rows import lookup

from .feature_project import CONTRACT, moment, write
from .made_up import inside
from .test_feature_tables import SEEN, online_of


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """An empty project folder, to work in."""
    with inside(tmp_path):
        yield tmp_path


@pytest.fixture(scope="module")
def online(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """The store as it is on the 12th of January, for the contract that the table has."""
    with inside(tmp_path_factory.mktemp("online")) as folder:
        found = write(folder, [("ann", "2026-01-12T00:00:00Z")])
        store = online_of(found, "12")
        yield found, store
        store.close()


def completed(found: Any, store: Any, *people: str | None, at: str = "12") -> Any:
    """What a server makes of requests for these people on a day of January."""
    sent = ["plan", "person"]
    look_up = lookup.Lookup(found, sent, [*found.features], store, lambda: moment(at).timestamp())
    return asyncio.run(look_up([("k", person) for person in people]))


def test_a_server_sees_the_latest_value_that_is_known(online: Any) -> None:
    found, store = online

    rows, states, _ = completed(found, store, "ann", "bob", "cyd", "nobody", None, "ann")

    assert rows[0] == ("k", 20.5, 2, False, None, "b, c") == rows[5]
    assert rows[1][:4] == ("k", 30.5, 3, True)
    assert rows[1][4].timestamp() == moment("05T11:00").timestamp()
    assert rows[2] == rows[3] == rows[4] == ("k", None, None, None, None, None)
    assert [state["people"] for state in states] == [
        *("fresh", "fresh", "fresh", "missing", "missing", "fresh")
    ]


def test_what_becomes_known_later_is_not_served_yet(folder: Path) -> None:
    found = write(folder, [("ann", "2026-01-12T00:00:00Z")])
    store = online_of(found, "09")

    assert completed(found, store, "ann", at="09").items[0][2] == 1
    materialize(found, Settings(), moment("12"))
    assert store.refresh() == ""
    assert completed(found, store, "ann").items[0][2] == 2  # without a new store or server
    store.close()


@pytest.mark.parametrize("policy", ["missing", "refuse"])
def test_a_value_that_is_too_old_follows_the_policy_of_the_contract(
    folder: Path, policy: str
) -> None:
    text = CONTRACT.replace("max_age_days = 30", f'max_age_days = 5\nwhen_missing = "{policy}"')
    found = write(folder, [("ann", "2026-01-12T00:00:00Z")], text=text)
    store = online_of(found, "12")

    if policy == "missing":
        rows, states, _ = completed(found, store, "ann", "bob")
        assert [state["people"] for state in states] == ["fresh", "stale"]
        assert rows[1] == ("k", None, None, None, None, None)
    else:
        with pytest.raises(RequestError) as caught:
            completed(found, store, "ann", "bob", "nobody")
        assert [(p.row, p.column, p.value) for p in caught.value.problems] == [
            (1, "person", "bob"),
            (2, "person", "nobody"),
        ]
        assert "older than 5 days" in caught.value.problems[0].detail
    store.close()


def test_online_and_offline_values_are_the_same(online: Any) -> None:
    found, store = online
    people = ["ann", "bob", "cyd", "nobody"]
    frame = typed_rows(read_file("data/rows.csv"), found, "rows").iloc[[0] * len(people)]
    frame = frame.assign(person=people).reset_index(drop=True)

    offline = feature_tables.complete(frame, found, moment("12"))
    rows = completed(found, store, *people).items

    for index, name in enumerate(found.features):
        live = [row[index] for row in rows]
        then = [None if value != value else value for value in offline[name].tolist()]
        if name == SEEN:
            live = [value and value.replace(tzinfo=None) for value in live]
        assert live == then, name


def test_nothing_materialized_is_said_with_the_way_out(folder: Path) -> None:
    found = write(folder, [("ann", "2026-01-12T00:00:00Z")])
    store = online_store.OnlineStore(Settings())

    assert "python3 run.py materialize" in store.refresh()
    with pytest.raises(ProjectError):
        completed(found, store, "ann")
    store.close()
