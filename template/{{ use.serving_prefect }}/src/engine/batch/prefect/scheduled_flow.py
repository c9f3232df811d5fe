"""What runs at the times of the schedule. Prefect imports it in a process for each run."""

import sys
from typing import Any

from prefect import flow
from prefect.states import Completed, Failed

from engine.batch.results import run
from engine.core.errors import ProjectError
from engine.core.settings import load_settings

NAME = "batch"


@flow(name="scheduled batch", validate_parameters=False)
def scheduled() -> Any:
    """Score the files that there are now; finished ones cost a look.

    A mistake that has a message becomes the message of the run, without a traceback.
    """
    try:
        run(load_settings(), [])
    except ProjectError as error:
        print(f"schedule: this run failed: {error}", file=sys.stderr, flush=True)
        return Failed(message=str(error))
    return Completed(message="every row was scored or rejected")
