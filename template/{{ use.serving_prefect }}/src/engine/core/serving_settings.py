"""The settings of the way predictions get out: files scored in batches, on a schedule of Prefect.

The server of Prefect is one more, under the name that Prefect itself reads: PREFECT_API_URL.
Without it, one is started for as long as it is needed.
"""

from engine.core.batch_settings import BatchSettings

SECRETS: frozenset[str] = frozenset()


class ServingSettings(BatchSettings, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The settings of the flow and its schedule."""

    cron: str = "0 6 * * *"
    """When the flow runs: minute, hour, day of the month, month, day of the week."""
    time_zone: str = "UTC"
    workers: int = 2
    """Parts that are scored at the same time; each takes one core."""
    retries: int = 3
    """How often a part is tried again, such as when the storage does not answer."""
    retry_seconds: float = 5.0
    """Before the first further attempt; twice as long before each that follows."""
    prefect_home: str = ".prefect"
    """Where Prefect keeps what it knows of past runs, if the server is a local one."""
