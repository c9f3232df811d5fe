"""The schedule: a wrong one is named, and a right one scores what has come."""

import os
import shutil
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

from .batch_jobs import config, outcome, verb
from .conftest import CONTRACTS, errors, schedule


@pytest.mark.parametrize(
    ("cron", "zone"), [("every day", "UTC"), ("99 * * * *", "UTC"), ("0 6 * * *", "Mars/North")]
)
def test_a_wrong_schedule_is_named(cron: str, zone: str) -> None:
    with pytest.raises(errors.SettingsError) as caught:
        schedule.cron(config(cron=cron, time_zone=zone))

    assert repr(cron) in str(caught.value)
    assert repr(zone) in str(caught.value)


def test_nothing_is_sent_home() -> None:
    from prefect.settings import get_current_settings

    assert not get_current_settings().server.analytics_enabled


@pytest.mark.skipif(not os.environ.get("TEST_FULL"), reason="takes minutes; set TEST_FULL=1")
@pytest.mark.parametrize("contract_file", CONTRACTS[:1], indirect=True, ids=["own"])
def test_the_clock_starts_a_run(trained: Path, tmp_path: Path, any_contract: Any) -> None:
    project = Path(shutil.copytree(trained, tmp_path / "project"))
    env = {"PREFECT_API_URL": "", "APP_CRON": "* * * * *", "APP_INPUT": any_contract.dataset.source}
    process = verb(project, "schedule", env=env)
    end = time.monotonic() + 400
    try:
        while not list(project.glob("predictions/*/run.json")):
            assert process.poll() is None, process.communicate()[0]
            assert time.monotonic() < end, "no run in 400 s"
            time.sleep(0.5)
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=60) in (0, 130)
    finally:
        kill(process)

    assert outcome(project / "predictions")[2]["rows"] == 400


def kill(process: "subprocess.Popen[str]") -> None:
    """End the process and its children, however far they are."""
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
