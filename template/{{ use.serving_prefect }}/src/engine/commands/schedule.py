"""Score on a schedule until Ctrl-C; the verb `schedule`."""

import argparse
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from engine.batch.prefect import server
from engine.core.errors import SettingsError
from engine.core.settings import Settings, load_settings


def main(argv: list[str]) -> int:
    """Score what `input` in settings.toml names at the times of `cron`, until Ctrl-C."""
    parser = argparse.ArgumentParser(prog="run.py schedule", description=main.__doc__)
    parser.parse_args(argv[1:])
    config = load_settings()
    plan = cron(config)
    with server.running(config) as url:
        from prefect.types.entrypoint import EntrypointType

        from engine.batch.prefect import scheduled_flow

        print(f"{config.cron} ({config.time_zone}); runs are at {url}; to stop: Ctrl-C", flush=True)
        scheduled_flow.scheduled.serve(
            name=scheduled_flow.NAME,
            schedules=[plan],
            entrypoint_type=EntrypointType.MODULE_PATH,
            print_starting_message=False,
        )
    return 0


def cron(config: Settings) -> Any:
    """The schedule that the settings ask for.

    Raises SettingsError when cron or the time zone is wrong.
    """
    from prefect.schedules import Cron

    try:
        ZoneInfo(config.time_zone)
        return Cron(config.cron, timezone=config.time_zone)
    except (ValueError, ZoneInfoNotFoundError) as error:
        reason = str(error).splitlines()[-1].strip()
        raise SettingsError(
            f"cron is {config.cron!r}, time_zone {config.time_zone!r}: {reason}; cron takes "
            "minute, hour, day of the month, month and day of the week, such as 0 6 * * 1-5"
        ) from None
