"""What another maker's server over the champion must do, asked in whatever way by `infer`."""

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tritonclient.utils import InferenceServerException

from engine.contract.schema import Contract
from engine.core.settings import Settings
from engine.serving.http.app import App

from . import conformance
from .asked import ask_app
from .conformance import JSON, Case
from .http_server import body, wait_for
from .made_up import inside, requests
from .tensor_client import expected, ids, said

Infer = Callable[..., Any]
"""Takes rows, and what `tensor_client.infer` takes beside them."""


def settings(trained: Path, log: str = "") -> Settings:
    """Those of the application that is asked the same."""
    return Settings(store=str(trained / "store"), prediction_log=log)


def says_what_predict_says(trained: Path, contract: Contract, logs: Path, infer: Infer) -> None:
    """Assert that it answers rows as /v1/predict does, and logs every id."""
    rows = requests(contract, 3)
    like = _asked(trained, Case("rows", 200, "POST", "/v1/predict", body(rows), JSON))

    result = infer(rows, request_id="mine")

    assert [said(result, row) for row in range(3)] == [expected(a) for a in like["predictions"]]
    wait_for(lambda: {*ids(result)} <= {*conformance.logged(logs)})
    assert len({*ids(result)}) == 3


def refuses_in_the_words_of_the_contract(trained: Path, contract: Contract, infer: Infer) -> None:
    """Assert that a broken row is refused as /v1/predict refuses it."""
    rows = requests(contract, 2)
    name, column = next((n, c) for n, c in contract.sent.items() if c.values or c.min)
    rows[1][name] = "no such value" if column.values else (column.min or 0) - 1
    like = _asked(trained, Case("bad", 422, "POST", "/v1/predict", body(rows), JSON))

    with pytest.raises(InferenceServerException) as refused:
        infer(rows)

    assert refused.value.status() in ("400", "StatusCode.INVALID_ARGUMENT")
    assert refused.value.message() == like["problems"][0]["detail"]


def last_words(command: list[str], environment: dict[str, str]) -> str:
    """What a command that cannot serve says at its end; a traceback is no answer."""
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=600)
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    return done.stderr.strip().splitlines()[-1]


def _asked(trained: Path, case: Case) -> Any:
    with inside(trained), ask_app(App(settings(trained))) as ask:
        return json.loads(ask(case).body)
