"""What runs at the times of the schedule. Prefect imports it in a process for each run."""

import sys
from typing import Any

from prefect import flow
from prefect.states import Completed, Failed

from . import batch, settings
from .errors import ProjectError

NAME = "batch"


@flow(name="scheduled batch", validate_parameters=False)
def scheduled() -> Any:
    """Score the files that there are now; finished ones cost a look.

    A mistake that has a message becomes the message of the run, without a traceback.
    """
    try:
        batch.run(settings.load(), [])
    except ProjectError as error:
        print(f"schedule: this run failed: {error}", file=sys.stderr, flush=True)
        return Failed(message=str(error))
    return Completed(message="every row was scored or rejected")
