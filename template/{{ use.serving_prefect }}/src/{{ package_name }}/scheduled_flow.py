"""What runs at the times of the schedule. Prefect imports it in a process for each run."""

from prefect import flow

from . import batch, settings

NAME = "batch"


@flow(name="scheduled batch", validate_parameters=False)
def scheduled() -> None:
    """Score the files that there are now; finished ones cost a look."""
    batch.run(settings.load(), [])
