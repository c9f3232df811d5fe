"""What was scored in batches feeds monitoring: sampled rows in its log, outcomes joined by id."""

import csv
import json
import shutil
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet
import pytest
import tomlkit

from engine.batch import work
from engine.commands import monitor, outcomes
from engine.commands.registry import promote
from engine.core.errors import AlarmRaised, DataError, SettingsError
from engine.monitoring import log as logbook
from engine.monitoring.source import Stored
from engine.training import train

from .batch_jobs import config, rows_file, spoil, strict
from .conftest import CONTRACTS
from .made_up import inside


@pytest.fixture
def project(trained: Path, tmp_path: Path) -> Path:
    """A copy of a trained project, for each contract in turn."""
    return Path(shutil.copytree(trained, tmp_path / "project"))


def window(project: Path) -> Any:
    """What the log of the last hour holds."""
    end = datetime.now(UTC) + timedelta(minutes=1)
    return logbook.window(Stored(project / "logs"), end - timedelta(hours=1), end, 1)


def test_the_log_holds_an_even_sample_of_the_good_rows_once(
    project: Path, any_contract: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = rows_file(project, any_contract)
    spoil(source, any_contract)
    with inside(project):
        with monkeypatch.context() as patch:
            patch.setattr(work, "Manifest", lambda **_: 1 / 0)  # it ends after the log is written
            with pytest.raises(ZeroDivisionError):
                work.score(config(), str(source), work.here)
        [log] = Path("logs").iterdir()
        old = log.rename(log.with_name(log.name.replace(f"{datetime.now(UTC):%Y%m%d}", "20260101")))
        work.score(config(), str(source), work.here)  # on another day
        assert list(Path("logs").iterdir()) == [old]
        old.rename(log)

    found = window(project)
    assert found.broken == 0
    assert 40 <= found.count <= 50
    assert not list((project / "predictions").glob("*/log/*"))


@pytest.mark.parametrize("contract_file", CONTRACTS[:1], indirect=True, ids=["own"])
def test_a_personal_feature_reaches_no_log(project: Path, any_contract: Any) -> None:
    hidden = strict(any_contract)
    document = tomlkit.parse((project / "contract.toml").read_text(encoding="utf-8"))
    document["dataset"]["privacy"] = "mask"  # type: ignore[index]
    document["columns"][hidden]["personal"] = True  # type: ignore[index]
    (project / "contract.toml").write_text(tomlkit.dumps(document), encoding="utf-8")
    source = rows_file(project, any_contract)
    with inside(project):
        train.train(config())
        promote(config())
        work.score(config(), str(source), work.here)

    [log] = (project / "logs").iterdir()
    for line in log.read_text(encoding="utf-8").splitlines():
        assert {*json.loads(line)["row"]} == {*any_contract.features} - {hidden}


def test_monitor_takes_batches_and_their_outcomes(
    project: Path, any_contract: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    source = rows_file(project, any_contract)
    with inside(project):
        work.score(config(log_rows=500), str(source), work.here)
        [place] = (project / "predictions").iterdir()
        table = pa.parquet.read_table(place / "predictions")
        answer = "label" if any_contract.classes else "value"
        with (project / "came.csv").open("w", newline="", encoding="utf-8") as stream:
            mark = any_contract.dataset.separator
            writer = csv.writer(stream, delimiter=mark)
            writer.writerow(["prediction_id", "outcome", "value"])
            for row in table.select(["prediction_id", answer]).to_pylist():
                writer.writerow([row["prediction_id"], row[answer], 2.5])
        assert outcomes.main(["outcomes", "came.csv"]) == 0
        assert outcomes.main(["outcomes", "came.csv"]) == 0
        assert "handed in before" in capsys.readouterr().out
        with suppress(AlarmRaised):  # made-up rows may well look odd
            monitor.main(["monitor"])

    said = capsys.readouterr().out
    assert "version 1, 500 rows in the last 24h" in said
    assert (project / "reports/monitor.html").exists()
    log = Stored(project / "logs")
    known = logbook.outcomes(log, datetime.now(UTC) + timedelta(minutes=1))
    assert len(list(logbook.predictions(log, known))) == 500


@pytest.mark.parametrize("contract_file", CONTRACTS[:1], indirect=True, ids=["own"])
def test_standard_output_is_no_log_of_a_batch(
    project: Path, any_contract: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = rows_file(project, any_contract)
    monkeypatch.setenv("APP_PREDICTION_LOG", "-")

    with inside(project):
        with pytest.raises(SettingsError, match="prediction_log is -"):
            work.score(config(prediction_log="-"), str(source), work.here)
        with pytest.raises(SettingsError, match="prediction_log is -"):
            outcomes.main(["outcomes", "came.csv"])
        assert not Path("predictions").exists()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("prediction_id,other\n1,2\n", "outcome"),
        ("prediction_id,outcome\n1,never a class\n", "row 2"),
    ],
)
def test_wrong_outcomes_are_refused_whole(
    project: Path, any_contract: Any, text: str, message: str
) -> None:
    (project / "came.csv").write_text(text.replace(",", any_contract.dataset.separator))

    with inside(project), pytest.raises(DataError, match=message):
        outcomes.main(["outcomes", "came.csv"])

    assert not (project / "logs").exists()
