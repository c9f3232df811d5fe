"""The schedule: a wrong one is named, and a right one scores what has come."""

import os
import shutil
import signal
import subprocess
from pathlib import Path

import pytest

from engine.commands import schedule
from engine.core.errors import SettingsError

from .batch_jobs import config, outcome, verb
from .conftest import CONTRACTS


@pytest.mark.parametrize(
    ("cron", "zone"), [("every day", "UTC"), ("99 * * * *", "UTC"), ("0 6 * * *", "Mars/North")]
)
def test_a_wrong_schedule_is_named(cron: str, zone: str) -> None:
    with pytest.raises(SettingsError) as caught:
        schedule.cron(config(cron=cron, time_zone=zone))

    assert repr(cron) in str(caught.value)
    assert repr(zone) in str(caught.value)


def test_nothing_is_sent_home() -> None:
    from prefect.settings import get_current_settings

    assert not get_current_settings().server.analytics_enabled


@pytest.mark.parametrize("contract_file", CONTRACTS[:1], indirect=True, ids=["own"])
def test_the_clock_starts_runs_and_a_mistake_is_one_line(trained: Path, tmp_path: Path) -> None:
    project = Path(shutil.copytree(trained, tmp_path / "project"))
    rows, later = project / "data/rows.csv", project / "data/later.csv"
    rows.rename(later)
    env = {"PREFECT_API_URL": "", "APP_CRON": "* * * * *", "APP_INPUT": "data/rows.csv"}
    said: list[str] = []
    process = verb(project, "schedule", env=env)
    try:
        wait_for("this run failed", process, said)
        later.rename(rows)
        wait_for("400 of 400 rows scored", process, said)
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=60)  # and reads on, so that a full pipe holds nothing up
        assert process.returncode in (0, 130)
    finally:
        kill(process)

    assert outcome(project / "predictions")[2]["rows"] == 400
    assert "this run failed: data/rows.csv does not exist; nothing was written\n" in said
    assert not [line for line in said if "Traceback" in line]


def wait_for(words: str, process: "subprocess.Popen[str]", said: list[str]) -> None:
    """Read what a process says until these words come; `said` gets every line."""
    assert process.stdout
    for line in process.stdout:
        said.append(line.partition("schedule: ")[2] or line)
        if words in line:
            return
    pytest.fail("it ended:\n" + "".join(said))


def kill(process: "subprocess.Popen[str]") -> None:
    """End the process and its children, however far they are."""
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
