"""The verb `predict`: the rows of a table or of JSON are asked for, whatever their number."""

import csv
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from engine.commands import predict
from engine.contract.read import load_contract
from engine.core.errors import DataError, ProjectError

from .http_server import in_thread
from .made_up import inside, requests

CONTRACTS = Path(__file__).parent / "contracts"


@pytest.fixture(scope="module")
def server(trained: Path) -> Iterator[Any]:
    """The address of a server for the champion of each contract, and what it serves."""
    with in_thread(trained / "store", prediction_log="", explain_rows=5) as (client, app):
        yield str(client.base_url), app.model.now


@pytest.fixture
def ask(server: Any, trained: Path, capsys: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Call the verb with a small request size; gives what it prints, as JSON."""
    monkeypatch.setenv("APP_REQUEST_ROWS", "7")
    monkeypatch.setenv("APP_EXPLAIN_ROWS", "5")

    def call(*words: str) -> list[dict[str, Any]]:
        with inside(trained):
            assert predict.main(["predict", *words, "--url", server[0]]) == 0
        return list(json.loads(capsys.readouterr().out)["predictions"])

    return call


def scores(answers: list[dict[str, Any]]) -> list[Any]:
    return [answer.get("probabilities") or answer["value"] for answer in answers]


def test_a_table_is_answered_as_its_rows_are(server: Any, ask: Any, tmp_path: Path) -> None:
    """As CSV and as Parquet; a column that is not sent, such as the target, is left alone."""
    contract = server[1].contract
    rows = requests(contract, 20)
    (tmp_path / "rows.json").write_text(json.dumps({"rows": rows}), encoding="utf-8")
    with (tmp_path / "rows.csv").open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(
            stream,
            [contract.dataset.target, *rows[0]],
            restval="x",
            delimiter=contract.dataset.separator,
        )
        writer.writeheader()
        for row in rows:
            written = {
                name: str(value).replace(".", contract.dataset.decimal)
                if isinstance(value, float)
                else value
                for name, value in row.items()
            }
            writer.writerow(written)
    frame = pd.DataFrame(rows)
    for name, column in contract.sent.items():
        if column.type == "datetime":
            frame[name] = pd.to_datetime(frame[name], utc=True)
    frame.to_parquet(tmp_path / "rows.parquet")

    wanted = ask(str(tmp_path / "rows.json"))

    assert len(wanted) == 20
    assert scores(ask(str(tmp_path / "rows.csv"))) == scores(wanted)
    assert scores(ask(str(tmp_path / "rows.parquet"))) == scores(wanted)


def test_what_moved_each_row_is_said_when_asked(server: Any, ask: Any, tmp_path: Path) -> None:
    pd.DataFrame(requests(server[1].contract, 12)).to_parquet(tmp_path / "rows.parquet")

    told = ask(str(tmp_path / "rows.parquet"), "--explain")

    assert [("explanation" in answer) for answer in told] == [True] * 12


def test_a_wrong_value_is_named_by_its_row_in_the_file(
    server: Any, ask: Any, tmp_path: Path
) -> None:
    contract = server[1].contract
    strict = next(
        (
            n
            for n, c in contract.sent.items()
            if c.type in ("number", "integer", "boolean")
            or (c.type == "category" and c.unknown == "refuse")
        ),
        None,
    )
    if strict is None:
        pytest.skip("this contract takes every value")
    rows = pd.DataFrame(requests(contract, 12)).astype(object)
    rows.loc[9, strict] = "wrong"
    rows.to_csv(tmp_path / "rows.csv", index=False, sep=contract.dataset.separator)

    with pytest.raises(DataError, match=rf"row 11: '{strict}' is \"wrong\"; it must be"):
        ask(str(tmp_path / "rows.csv"))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("x1,x2\n1,2\n", "has no column"),
        ('{"row": []}', "is JSON but not"),
        ("", "is empty"),
    ],
)
def test_a_file_that_is_no_rows_is_refused(
    ask: Any, tmp_path: Path, content: str, message: str
) -> None:
    (tmp_path / "rows").write_text(content, encoding="utf-8")

    with pytest.raises(DataError, match=message):
        ask(str(tmp_path / "rows"))


def test_a_file_that_is_not_there_is_named(ask: Any) -> None:
    with pytest.raises(DataError, match=r"no\.csv cannot be read"):
        ask("no.csv")


def test_a_server_of_another_contract_is_named_and_not_asked(server: Any, tmp_path: Path) -> None:
    """contract.toml is that of another table by now; the server still has the champion's."""
    text = (CONTRACTS / "values.toml").read_text("utf-8").replace('target = "', 'target = "the ')
    (tmp_path / "contract.toml").write_text(text, encoding="utf-8")
    contract = load_contract(tmp_path / "contract.toml")
    pd.DataFrame(requests(contract, 3)).to_parquet(tmp_path / "rows.parquet")

    for words in ([], ["rows.parquet"]):
        with inside(tmp_path), pytest.raises(ProjectError, match="version 1 at http") as said:
            predict.main(["predict", *words, "--url", server[0]])
        served = server[1].contract.dataset.target
        assert f"predicts {served!r}, contract.toml {contract.dataset.target!r}" in str(said.value)
