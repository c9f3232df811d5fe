"""Monitoring is quiet about rows like those of the training, and names the columns that moved."""

import io
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pandas as pd
import pytest

from engine.commands import monitor
from engine.contract.schema import Contract
from engine.monitoring.alarms import Alarm
from engine.monitoring.significance import LEAST_ROWS
from engine.monitoring.source import Stored
from engine.registry.predictor import Predictor
from tests.conftest import Trained
from tests.sent import as_json

NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)


@pytest.fixture
def usual(trained: Trained) -> pd.DataFrame:
    """Rows of the training, as the model keeps them for comparison."""
    found = pd.read_parquet(io.BytesIO(trained.bundle.reference))
    if len(found) < LEAST_ROWS:
        pytest.skip(f"{len(found)} rows to train on; fewer than {LEAST_ROWS} show no drift")
    return found


def drift(folder: Path, frame: pd.DataFrame, trained: Trained) -> list[Alarm]:
    """The alarms about the inputs after a day on which these rows were asked for."""
    contract = trained.bundle.contract
    predictor = Predictor(trained.bundle)
    answer = predictor.answers(predictor.fallback(1))[0]
    said = {"version": 1, "run_id": trained.record.run_id, "fallback": False, "answer": answer}
    records = [
        {"id": str(number), "at": NOW - timedelta(hours=1), **said, "row": row}
        for number, row in enumerate(as_json(frame, contract.features))
    ]
    file = folder / f"predictions-{NOW:%Y%m%d}.jsonl"
    file.write_bytes(msgspec.json.Encoder().encode_lines(records))
    found = monitor.look(
        Stored(folder), NOW - timedelta(days=1), NOW, 1, trained.bundle, LEAST_ROWS
    )
    assert found
    return [alarm for alarm in found.alarms if alarm.name == "InputDrift"]


def test_rows_like_those_of_the_training_raise_no_alarm(
    trained: Trained, usual: pd.DataFrame, tmp_path: Path
) -> None:
    assert drift(tmp_path, usual, trained) == []


def test_every_column_that_moves_is_named_by_the_alarm(
    trained: Trained, usual: pd.DataFrame, contract: Contract, tmp_path: Path
) -> None:
    moved = usual.copy()
    for name, column in contract.features.items():
        if name not in usual or column.type == "datetime":
            continue
        known = usual[name].dropna()
        if len(known) >= LEAST_ROWS and known.nunique() > 1:
            if column.type in ("number", "integer"):
                moved[name] = usual[name] + known.max() - known.min()
            else:
                moved[name] = usual[name].where(usual[name].isna(), known.value_counts().idxmin())
    expected = {name for name in usual if not moved[name].equals(usual[name])}

    alarms = drift(tmp_path, moved, trained)

    assert {alarm.detail.partition(":")[0] for alarm in alarms} == expected
