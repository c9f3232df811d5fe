"""The engine of a batch: a flow of Prefect, with a task for each part that is tried again."""

import os
from collections.abc import Callable
from typing import Any

from engine.batch import work
from engine.batch.input.file import ChangedError
from engine.batch.input.parts import Part
from engine.batch.job import Job
from engine.batch.prefect import server
from engine.batch.scorer import scorer
from engine.core.errors import NoRoomError, ProjectError, StorageError
from engine.core.settings import Settings

HOPELESS = (NoRoomError, ChangedError)  # what befalls one part befalls those that follow


def score(config: Settings, job: Job, parts: list[Part], done: Callable[[Part], object]) -> None:
    """Score the parts as tasks of a flow; each is a run of its own in Prefect's records.

    When all attempts of a part fail, the other parts are scored, and then its last error is raised;
    at once where it is that of every part: no room is left, or the input is another file.
    """
    if not os.environ.get(server.ADDRESS):  # few rows need no flow, where nobody keeps its record
        parts = work.near(config, job, parts, done)
    if not parts:
        return
    with server.running(config):
        flow = _flow(config, job)
        work.begin(done)
        failed = list[Any]()
        flow(parts, done, failed, return_state=True)
        for run in failed:
            run.result()


def _flow(config: Settings, job: Job) -> Any:
    from prefect import flow, task  # only now: it reads at once how much it is to say
    from prefect.cache_policies import NO_CACHE
    from prefect.task_runners import ThreadPoolTaskRunner
    from prefect.tasks import exponential_backoff

    runner: Any = ThreadPoolTaskRunner(max_workers=config.workers)

    @task(
        name="score part",
        task_run_name="part {part.number}",
        retries=config.retries,
        retry_delay_seconds=exponential_backoff(config.retry_seconds),
        retry_condition_fn=_may_pass,
        cache_policy=NO_CACHE,
        persist_result=False,
    )
    def one(part: Part) -> None:
        scorer(job).part(job, part)

    @flow(
        name="score",
        flow_run_name=job.folder,
        task_runner=runner,
        persist_result=False,
        validate_parameters=False,
    )
    def score_parts(parts: list[Part], done: Callable[[Part], object], failed: list[Any]) -> Any:
        started = [(part, one.submit(part)) for part in parts]
        for part, run in started:
            run.wait()
            if run.state.is_completed():
                done(part)
                continue
            failed.append(run.state)
            if isinstance(_error(run.state), HOPELESS):
                break  # Prefect takes back what has not begun
        return failed  # an error that is raised here is printed with a traceback

    return score_parts


def _may_pass(_task: Any, _run: Any, state: Any) -> bool:
    """Whether another attempt may help: not where the data or the model are wrong."""
    error = _error(state)
    if isinstance(error, ProjectError):
        return isinstance(error, StorageError) and not isinstance(error, NoRoomError)
    return error is not None


def _error(state: Any) -> BaseException | None:
    try:
        state.result()
    except Exception as error:
        return error
    return None
