"""One input from beginning to end: planned, scored by the engine, closed with its manifest."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa
import pyarrow.parquet
from tqdm import tqdm

from engine.batch import job as jobs
from engine.batch.input.file import InputFile
from engine.batch.input.parts import Part
from engine.batch.job import MANIFEST, Job, Manifest
from engine.batch.scorer import scorer
from engine.core.errors import DataError, NoRoomError, StorageError
from engine.core.settings import Settings
from engine.core.storage import PART, Storage

Engine = Callable[[Settings, Job, list[Part], Callable[[Part], object]], None]


def score(
    config: Settings, source: str, engine: Engine, output: str | None = None
) -> tuple[Job, Manifest]:
    """Score an input with an engine; what an earlier attempt finished is not done again.

    Raises DataError when the input is empty, not of the contract's form, or changed meanwhile.
    """
    job = jobs.plan(config, source, output)
    if done := jobs.finished(job):
        print(f"nothing to do: {source} was scored by version {done.version} on {done.finished}")
        return job, done
    Storage(config.output).check()
    parts = jobs.to_do(job)
    with Progress(source, job.layout.rows, parts) as progress:
        engine(config, job, parts, progress)
    return job, finish(config, job)


class Progress:
    """The bar of an input. It begins with the scoring, so that its rate is not that of a start."""

    def __init__(self, source: str, rows: int, parts: list[Part]) -> None:
        self._source, self._rows = source, rows
        self._before = rows - sum(part.rows for part in parts)
        self._bar: Any = None

    def __enter__(self) -> "Progress":
        return self

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.close()

    def begin(self) -> None:
        """Show the bar, once: from now on rows are scored."""
        self._bar = self._bar or tqdm(
            total=self._rows,
            initial=self._before,
            desc=self._source,
            unit=" rows",
            unit_scale=True,
            mininterval=0.2 if sys.__stderr__ and sys.__stderr__.isatty() else 10,
        )

    def __call__(self, part: Part) -> None:
        """A part is finished."""
        self.begin()
        self._bar.update(part.rows)


def begin(done: Callable[[Part], object]) -> None:
    """Say that scoring begins: an engine calls it when it has started."""
    if isinstance(done, Progress):
        done.begin()


def near(
    config: Settings, job: Job, parts: list[Part], done: Callable[[Part], object]
) -> list[Part]:
    """Score few rows in this process, without an engine; the parts that are left to one.

    A storage that does not answer is left to the engine too: it tries again. Raises what scoring
    raises otherwise.
    """
    if sum(part.rows for part in parts) > config.small_rows:
        return parts
    try:
        here(config, job, parts, done)
    except NoRoomError:
        raise
    except StorageError:
        return jobs.to_do(job)
    return []


def here(_: Settings, job: Job, parts: list[Part], done: Callable[[Part], object]) -> None:
    """The engine that needs none: part after part in this process."""
    begin(done)
    for part in parts:
        scorer(job).part(job, part)
        done(part)


def finish(config: Settings, job: Job) -> Manifest:
    """Count what was written, hand the log to monitoring, write the manifest.

    Raises DataError when a row is missing or the input changed while it was read.
    """
    storage = jobs.place(job)
    InputFile(job.input, job.mark).require()
    scored = rejected = 0
    for part in job.layout.parts:
        count = _rows(storage, jobs.name("predictions", part))
        bad = _lines(storage, jobs.name("rejects", part))
        if count + bad != part.rows:
            raise DataError(
                f"{storage.url}: part {part.number} holds {count} predictions and {bad} rejects "
                f"for {part.rows} rows; delete the folder and start again"
            )
        scored, rejected = scored + count, rejected + bad
    if (log := jobs.log_of(config)) is not None:
        _log(log, job, storage)
    done = Manifest(
        input=job.input,
        input_sha256=job.layout.digest,
        fingerprint=job.fingerprint,
        version=job.version,
        run_id=job.run_id,
        rows=job.layout.rows,
        scored=scored,
        rejected=rejected,
        parts=len(job.layout.parts),
        finished=jobs.moment(),
    )
    storage.write(MANIFEST, msgspec.json.format(msgspec.json.encode(done), indent=2) + b"\n")
    _tidy(job, storage)
    return done


def _tidy(job: Job, storage: Storage) -> None:
    """Delete what only the way to the end needed, and what a killed process left half written."""
    for part in job.layout.parts:
        storage.remove(jobs.name("log", part))
    if storage.is_local:
        for left in Path(storage.root).rglob(f"{PART}*"):
            left.unlink(missing_ok=True)


def _rows(storage: Storage, name: str) -> int:
    with storage.fs.open(storage.path(name), "rb") as stream:
        count: int = pa.parquet.read_metadata(stream).num_rows
    return count


def _lines(storage: Storage, name: str) -> int:
    return storage.read(name).count(b"\n") - 1 if storage.exists(name) else 0


def _log(log: Storage, job: Job, storage: Storage) -> None:
    """Join the logs of the parts into one file, once, however often the end is reached."""
    if any(name.endswith(f"-{job.fingerprint}.jsonl") for name in log.list()):
        return
    names = [jobs.name("log", part) for part in job.layout.parts]
    lines: list[Any] = [storage.read(name) for name in names if storage.exists(name)]
    day = jobs.moment()[:10].replace("-", "")
    if lines:
        log.write(f"predictions-{day}-{job.fingerprint}.jsonl", b"".join(lines))
