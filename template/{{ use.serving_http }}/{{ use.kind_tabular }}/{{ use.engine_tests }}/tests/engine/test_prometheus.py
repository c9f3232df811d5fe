"""Prometheus with the files of deploy/: quiet about a server that is well, loud when it is gone."""

import json
import os
import re
import shutil
import socket
import subprocess
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from engine.core.settings import load_settings

from .conftest import CONTRACTS
from .http_server import in_process, kill, wait_for
from .made_up import requests

ROOT = Path(__file__).parents[2]
CONFIG = ROOT / "deploy/prometheus/prometheus.yml"
JSON = {"Content-Type": "application/json"}
SECONDS = 60


def needed(program: str, package: str) -> str:
    """The path of a program; without it a test is skipped on a desk and fails in CI."""
    found = shutil.which(program)
    if found is None and os.environ.get("CI", "").lower() in ("true", "1"):
        pytest.fail(f"{program} is not installed; in CI this must be tested ({package})")
    if found is None:
        pytest.skip(f"{program} is not installed (Debian package: {package})")
    return found


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def hurried(folder: Path, server: str) -> None:
    """The files of deploy/prometheus, with this server, and with seconds for minutes."""
    for path in CONFIG.parent.glob("*.yml"):
        text = path.read_text("utf-8").replace("server:8000", server.removeprefix("http://"))
        text = re.sub(r"(scrape|evaluation)_interval: \w+", r"\1_interval: 1s", text)
        (folder / path.name).write_text(re.sub(r"\bfor: \w+", "for: 2s", text), "utf-8")


@contextmanager
def prometheus(folder: Path) -> Iterator[Callable[[str], Any]]:
    """A running Prometheus on the files in a folder; gives a function that asks its interface."""
    program, port = needed("prometheus", "prometheus"), free_port()
    process = subprocess.Popen(
        [
            program,
            f"--config.file={folder}/prometheus.yml",
            f"--storage.tsdb.path={folder}/data",
            f"--web.listen-address=127.0.0.1:{port}",
        ],
        stdout=subprocess.DEVNULL,
        stderr=(folder / "said").open("wb"),
        start_new_session=True,
    )

    def ask(path: str) -> Any:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/api/v1/{path}", timeout=10) as reply:
            return json.load(reply)["data"]

    def is_there() -> bool:
        try:
            return bool(ask("status/runtimeinfo"))
        except OSError:
            assert process.poll() is None, (folder / "said").read_text("utf-8")
            return False

    try:
        wait_for(is_there, SECONDS)
        yield ask
    finally:
        kill(process)  # type: ignore[arg-type]
        process.wait(10)


@pytest.mark.parametrize("contract_file", CONTRACTS[:1], indirect=True, ids=["own"])
def test_it_is_quiet_while_the_model_answers_and_loud_when_it_is_away(
    trained: Path, any_contract: Any, tmp_path: Path
) -> None:
    rows = json.dumps({"rows": requests(any_contract, 3)}, default=str)
    name = load_settings(ROOT / "settings.toml", {}).name
    with in_process(trained, prediction_log=tmp_path / "logs", name=name) as (url, process):
        hurried(tmp_path, url)
        with prometheus(tmp_path) as ask:

            def raised() -> set[tuple[str, str]]:
                """Alerts on the server that fire, and the project that they name."""
                return {
                    (alert["labels"]["alertname"], alert["labels"]["project"])
                    for alert in ask("alerts")["alerts"]
                    if alert["state"] == "firing" and alert["labels"]["alertname"] != "MonitorStale"
                }

            def samples(query: str) -> list[Any]:
                return list(ask(f"query?query={query}")["result"])

            assert {group["name"].rpartition("-")[2] for group in ask("rules")["groups"]} == {
                path.stem.replace("serving_alerts", "serving").replace("alerts", "monitoring")
                for path in CONFIG.parent.glob("*alerts.yml")
            }
            for _ in range(5):
                httpx.post(f"{url}/v1/predict", content=rows, headers=JSON).raise_for_status()
            wait_for(lambda: samples("predict_rows_total>0"), SECONDS)
            [counted] = samples("predict_rows_total>0")
            assert counted["value"][1] == "15"
            time.sleep(5)  # longer than any rule waits here
            assert raised() == set()

            process.kill()
            wait_for(lambda: raised() == {("NotReady", name)}, SECONDS)


def test_prometheus_takes_its_configuration() -> None:
    program = needed("promtool", "prometheus")
    done = subprocess.run(
        [program, "check", "config", str(CONFIG)], capture_output=True, text=True, check=False
    )

    assert done.returncode == 0, done.stdout + done.stderr
    assert len(re.findall("rules found", done.stdout)) == len([*CONFIG.parent.glob("*alerts.yml")])
