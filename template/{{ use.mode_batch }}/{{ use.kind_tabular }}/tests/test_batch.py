"""A file of the data is scored whole: a wrong row is told apart, and nothing is done twice."""

from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet
import pytest

from engine.batch import job as jobs
from engine.batch import results, work
from engine.batch.input.parts import Part
from engine.contract.schema import Contract
from engine.core.settings import Settings
from tests.sent import wrong_value

ROWS, WRONG = 60, 7  # as in every file, the header is row 1


@pytest.fixture
def here(settings: Settings, tmp_path: Path) -> Settings:
    """Settings that write beside the file, in parts so small that there are some."""
    output = str(tmp_path / "predictions")
    return msgspec.structs.replace(settings, output=output, part_rows=25)


def write(
    folder: Path, source: pa.Table, contract: Contract, wrong: tuple[str, Any] | None = None
) -> str:
    """A CSV of the last rows as they came, with a wrong value of a column in one of them."""
    texts = pa.schema([(name, pa.string()) for name in source.column_names])
    columns = source.cast(texts).slice(max(len(source) - ROWS, 0)).to_pydict()
    if wrong:
        column, value = wrong
        columns[column][WRONG - 2] = str(value)
    form = pyarrow.csv.WriteOptions(delimiter=contract.dataset.separator)
    pyarrow.csv.write_csv(pa.table(columns, texts), folder / "rows.csv", form)
    return str(folder / "rows.csv")


def test_a_wrong_row_is_rejected_with_its_reason_and_the_others_are_scored(
    here: Settings, source: pa.Table, contract: Contract, tmp_path: Path
) -> None:
    column, value = wrong_value(contract)

    file = write(tmp_path, source, contract, (column, value))
    job, done = work.score(here, file, work.here)

    assert (done.scored, done.rejected) == (done.rows - 1, 1)
    summary = results.summary(job, done)
    assert f"row {WRONG}: " in summary
    assert repr(column) in summary
    scored = pyarrow.parquet.read_table(Path(jobs.place(job).root) / "predictions").column("row")
    assert scored.to_pylist() == [row for row in range(2, done.rows + 2) if row != WRONG]


def test_a_file_that_was_scored_is_not_scored_again(
    here: Settings, source: pa.Table, contract: Contract, tmp_path: Path
) -> None:
    file = write(tmp_path, source, contract)
    _, first = work.score(here, file, work.here)
    before = {path: path.stat().st_mtime_ns for path in Path(here.output).rglob("*")}

    _, second = work.score(here, file, work.here)

    assert second == first
    assert {path: path.stat().st_mtime_ns for path in Path(here.output).rglob("*")} == before


def test_a_run_that_was_stopped_goes_on_with_what_is_left(
    here: Settings, source: pa.Table, contract: Contract, tmp_path: Path
) -> None:
    file, scored = write(tmp_path, source, contract), list[int]()

    def score(settings: Settings, job: jobs.Job, parts: list[Part], _: object) -> None:
        work.here(settings, job, parts, lambda part: scored.append(part.number))

    def score_one(settings: Settings, job: jobs.Job, parts: list[Part], _: object) -> None:
        score(settings, job, parts[:1], _)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        work.score(here, file, score_one)
    job, done = work.score(here, file, score)

    assert scored == [part.number for part in job.layout.parts]
    assert (done.scored, done.rejected) == (done.rows, 0)
