"""The app says what Python says: in Node.js at each export, and here in a real browser."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from playwright.sync_api import Browser

from engine.edge import trial

from . import chromium, edge_app

WRONG = [None, True, "", "x", "2026-01-31T12:00:00Z", "2026-01-31", 0.5, -3, 1e39, 10**30, [], {}]
ANSWER = """async (rows) => {
  const [{ open, download }, runtime, answer] = await Promise.all([
    import("/app/model.js"), import("/runtime/ort.js"), fetch("/contract.json")]);
  const contract = await answer.json();
  const [binary, model] = await Promise.all(
    [contract.files.runtime, contract.files.model].map(download));
  const score = await open(runtime, binary, model, contract);
  const one = [];
  for (const row of rows) one.push(...(await score([row])));
  return { one, all: await score(rows) };
}"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One browser for this module."""
    with chromium.started() as found:
        yield found


def test_chromium_gives_the_scores_of_python(
    browser: Browser, trained: Path, predictor_of: Any
) -> None:
    rows = trial.requests(predictor_of.contract)
    expected = np.vstack([trial.python(predictor_of, row) for row in rows])

    with edge_app.served(edge_app.app_of(trained)) as url:
        page = browser.new_page()
        page.goto(url)
        found = page.evaluate(ANSWER, rows)
        page.close()

    for scores in (found["one"], found["all"]):
        parity = trial.parity(predictor_of, expected, np.array(scores))
        assert parity.rows > trial.ROWS
        assert parity.max_difference < 1e-5
        assert parity.rows_over == 0


def test_the_shared_requests_hold_missing_and_unseen_values(any_contract: Any) -> None:
    rows = trial.requests(any_contract)

    for name, column in any_contract.features.items():
        values = [row[name] for row in rows]
        assert (None in values) == column.nullable
        assert (trial.UNSEEN in values) == (column.unknown == "missing")


def test_the_app_takes_and_refuses_what_python_takes_and_refuses(
    trained: Path, predictor_of: Any
) -> None:
    good = trial.requests(predictor_of.contract)[0]
    rows = [{**good, name: value} for name in good for value in WRONG]
    rows += [{}, {**good, "one more": 1}]

    def takes(row: dict[str, Any]) -> bool:
        try:
            values = trial.decode(predictor_of.contract, row)
            msgspec.json.encode(values)  # finds broken characters
        except msgspec.ValidationError:
            return False
        return True

    answers = trial.node(edge_app.app_of(trained), rows, edge_app.WEB)

    verdicts = {str(row): "scores" in answer for row, answer in zip(rows, answers, strict=True)}
    assert verdicts == {str(row): takes(row) for row in rows}
    assert len(set(verdicts.values())) == 2


@pytest.mark.parametrize("shift", [0.0, 1e-3])
def test_a_difference_beyond_the_tolerance_is_counted(predictor_of: Any, shift: float) -> None:
    rows = trial.requests(predictor_of.contract)
    expected = np.vstack([trial.python(predictor_of, row) for row in rows])
    found = expected.copy()
    found[3] += shift * (1.0 if predictor_of.classes else expected.std())

    parity = trial.parity(predictor_of, expected, found)

    assert parity.rows_over == (1 if shift else 0)
    assert parity.max_difference == pytest.approx(shift, rel=1e-3)


def test_what_node_says_is_one_line_without_the_bundle() -> None:
    bundle = "var qt=Object.defineProperty;" * 400
    said = f"file:///ort.js:6\n{bundle}\n    ^\n\nRangeError: 9 is not 10\n    at Z (ort.js:6)\n"

    assert trial.fault(said) == "RangeError: 9 is not 10"
    assert trial.fault("node: not found\n") == "node: not found"
    assert trial.fault("")
