"""Prometheus with the files of deploy/: quiet about a server that is well, loud when it is gone."""

import json
import re
import subprocess
import time
from pathlib import Path
from typing import Any

import httpx
import pytest

from engine.core.settings import load_settings

from .conftest import CONTRACTS
from .http_server import in_process
from .made_up import requests
from .programs import needed
from .real_prometheus import CONFIG, ROOT, hurried, prometheus, until

JSON = {"Content-Type": "application/json"}


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
            until(lambda: samples("predict_rows_total>0"))
            [counted] = samples("predict_rows_total>0")
            assert counted["value"][1] == "15"
            time.sleep(5)  # longer than any rule waits here
            assert raised() == set()

            process.kill()
            until(lambda: raised() == {("NotReady", name)})


def test_prometheus_takes_its_configuration() -> None:
    program = needed("promtool", "prometheus")
    done = subprocess.run(
        [program, "check", "config", str(CONFIG)], capture_output=True, text=True, check=False
    )

    assert done.returncode == 0, done.stdout + done.stderr
    assert len(re.findall("rules found", done.stdout)) == len([*CONFIG.parent.glob("*alerts.yml")])
