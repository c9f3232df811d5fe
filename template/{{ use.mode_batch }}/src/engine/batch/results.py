"""What a batch does with its files, and what it says of them: inputs found, scored, summed up."""

import csv
import io
import itertools
from collections.abc import Sequence

import pyarrow.parquet

from engine.batch import job as jobs
from engine.batch import runner, work
from engine.batch.input.file import InputFile
from engine.batch.input.reading import read
from engine.batch.job import Job, Manifest
from engine.contract import app
from engine.contract.read import load_contract
from engine.contract.schema import Contract
from engine.core.errors import DataError
from engine.core.settings import Settings
from engine.core.storage import Storage
from engine.core.terminal import say
from engine.data.read import table_hash
from engine.data.source import matching

SHOWN = 3  # predictions and rejects


def run(config: Settings, named: list[str], output: str | None = None) -> None:
    """Score each file and say what became of it."""
    for source in files(config, named, output):
        job, done = work.score(config, source, runner.score, output)
        say(summary(job, done))


def files(config: Settings, named: list[str], output: str | None = None) -> list[str]:
    """The files that are meant, folders and patterns filled in; by default the contract's data.

    Raises DataError when a pattern matches nothing.
    """
    meant: Sequence[str] = named or ([config.input] if config.input else [])
    if not meant:
        contract = load_contract()
        if contract.dataset.query:
            return [_asked(contract, output or config.output)]
        meant = contract.dataset.sources
    try:
        return [file for pattern in meant for file in matching(pattern)]
    except DataError as error:
        raise DataError(f"{error}; nothing was written") from None


def _asked(contract: Contract, output: str) -> str:
    """The rows of the contract's query as a file beside the predictions: they may change meanwhile.

    It is named by what it holds, so that the same rows are never scored twice.
    """
    table, storage = app.data().load(contract), Storage(output)
    name = f"rows-{table_hash(table)[:16]}.parquet"
    if not storage.exists(name):
        content = io.BytesIO()
        pyarrow.parquet.write_table(table, content)
        storage.write(name, content.getvalue())
    return f"{output.rstrip('/')}/{name}"


def summary(job: Job, done: Manifest) -> str:
    """What became of an input, with the first rejects, if there are any."""
    folder = jobs.place(job)
    lines = [
        f"{done.scored} of {done.rows} rows scored by version {done.version}, "
        f"{done.rejected} rejected: {folder.url}"
    ]
    if done.rejected:
        lines += [f"  row {row}: {reason}" for row, reason in _rejects(job)]
    return "\n".join(lines)


def _rejects(job: Job) -> list[list[str]]:
    folder = jobs.place(job)
    found: list[list[str]] = []
    for part in job.layout.parts:
        name = jobs.name("rejects", part)
        if folder.exists(name):
            text = io.StringIO(folder.read(name).decode(), newline="")
            found += itertools.islice(csv.reader(text), 1, 1 + SHOWN)
        if len(found) >= SHOWN:
            break
    return found[:SHOWN]


def first(job: Job) -> str:
    """The first rows that were scored, each with its prediction; personal columns are not shown."""
    folder, part = jobs.place(job), job.layout.parts[0]
    path = folder.path(jobs.name("predictions", part))
    with folder.fs.open(path, "rb") as stream:
        found = next(pyarrow.parquet.ParquetFile(stream).iter_batches(SHOWN), None)
    if found is None:
        return "(every row of the first part was rejected)"
    terms = load_contract()
    names = [name for name in terms.sent if name not in terms.personal]
    batch = next(read(InputFile(job.input), job.layout, part, names, terms.dataset))
    rows = batch.rows.to_pandas().set_axis(batch.numbers, axis=0)
    lines = []
    for answer in (row for row in found.to_pylist() if row["row"] in rows.index):
        said = answer["label"] if terms.classes else answer["value"]
        sure = f" (probability {answer[f'probability {said}']:.3f})" if terms.classes else ""
        held = ", ".join(f"{name}={rows.loc[answer['row'], name]}" for name in names)
        lines.append(f"row {answer['row']}: {held}\n  -> {said}{sure}")
    return "\n".join(lines)
