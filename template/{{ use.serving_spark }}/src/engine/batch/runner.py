"""The engine of a batch: Spark, a task for each part, the model loaded once for each process.

Spark hands out the parts and tries a failed one again; reading, checking and writing are those of
every batch. So whoever scores needs to see the store, the input and the output: on a cluster these
are in an object store or on a shared file system.
"""

import functools
import os
import sys
import time
import traceback
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
from tqdm import tqdm

from engine.batch import work
from engine.batch.input.parts import Part
from engine.batch.job import Job
from engine.batch.scorer import Scorer, scorer
from engine.batch.spark import session
from engine.core.errors import ProjectError, StorageError
from engine.core.settings import Settings

LOOK_SECONDS = 0.2  # between two looks at the progress
PATIENCE_SECONDS = 20.0  # until it is said that no executor takes a part
WAITING = (
    "no executor has taken a part yet: the cluster is busy, has no worker, or none with the memory"
    " that is asked for (spark.executor.memory); still waiting, Ctrl-C ends it"
)


class Report(NamedTuple):
    """What became of a part, who did it, and how many models that process has loaded."""

    part: int
    error: Exception | None
    process: int
    loads: int


class Numbers:
    """Adds up in Spark what tasks send: the numbers of finished parts."""

    def zero(self, value: list[int]) -> list[int]:
        """No part."""
        return value[:0]

    def addInPlace(self, value1: list[int], value2: list[int]) -> list[int]:  # noqa: N802
        """Both."""
        return value1 + value2


def score(config: Settings, job: Job, parts: list[Part], done: Callable[[Part], object]) -> None:
    """Score the parts as tasks of Spark.

    When all attempts of a part fail, the other parts are scored, and then its error is raised.
    """
    parts = work.near(config, job, parts, done)
    for report in run(config, job, parts, done) if parts else ():
        if report.error:
            raise report.error


def run(
    config: Settings, job: Job, parts: list[Part], done: Callable[[Part], object]
) -> list[Report]:
    """Score the parts; a report of each."""
    waiting = {part.number: part for part in parts}
    with session.running(config) as context, ThreadPoolExecutor(1) as thread:
        finished = context.accumulator([], Numbers())
        alone = msgspec.structs.replace(job, layout=msgspec.structs.replace(job.layout, parts=()))
        attempt = functools.partial(_attempt, Path.cwd(), alone, config, finished)
        collecting = thread.submit(context.parallelize(parts, len(parts)).map(attempt).collect)
        warned, began = False, time.monotonic()
        work.begin(done)
        try:
            while True:
                is_over = collecting.done()
                for number in waiting.keys() & finished.value:
                    done(waiting.pop(number))
                if is_over:
                    break
                if not warned and time.monotonic() - began > PATIENCE_SECONDS:
                    warned = True
                    if not _is_busy(context):
                        tqdm.write(WAITING, file=sys.stderr)
                time.sleep(LOOK_SECONDS)
        finally:
            context.cancelAllJobs()  # Ctrl-C; the thread would wait for the end
        return _reports(collecting)


def _reports(collecting: Any) -> list[Report]:
    try:
        found: list[Report] = collecting.result()
    except Exception as error:  # what no task could report: their processes were killed
        raise StorageError(
            f"Spark gave up ({session.words(str(error))}); start again: what is finished stays"
        ) from None
    return found


def _attempt(home: Path, job: Job, config: Settings, finished: Any, part: Part) -> Report:
    """Score a part where Spark wants it; an error that may pass makes Spark try again."""
    from pyspark import TaskContext

    if home.is_dir():  # relative paths; who has only URLs needs no such folder
        os.chdir(home)
    here: Any = TaskContext.get()
    number = here.attemptNumber()
    if number:
        time.sleep(config.retry_seconds * 2 ** (number - 1))
    error: Exception | None = None
    try:
        scorer(job).part(job, part)
        finished.add([part.number])
    except Exception as mistake:
        is_ours = isinstance(mistake, ProjectError)
        if number < config.retries and (isinstance(mistake, StorageError) or not is_ours):
            raise
        error = mistake if is_ours else RuntimeError(traceback.format_exc())
    return Report(part.number, error, os.getpid(), Scorer.loads)


def _is_busy(context: Any) -> bool:
    """Whether a task of the stages that run was ever started."""
    tracker = context.statusTracker()
    stages = filter(None, map(tracker.getStageInfo, tracker.getActiveStageIds()))
    return any(stage.numActiveTasks or stage.numCompletedTasks for stage in stages)
