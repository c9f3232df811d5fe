"""The server over HTTP says, byte for byte, what the application says."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from engine.core.settings import Settings
from engine.serving.http.app import App

from . import conformance
from .asked import ask_app
from .conformance import Case, Reply
from .conftest import CONTRACTS
from .http_server import in_process
from .made_up import inside

pytestmark = pytest.mark.parametrize(
    "contract_file", CONTRACTS[:2], indirect=True, ids=["own", "awkward"]
)


@pytest.fixture
def like(trained: Path, tmp_path: Path) -> Iterator[Any]:
    """The application itself."""
    with inside(trained):
        settings = Settings(store=str(trained / "store"), prediction_log=str(tmp_path / "own"))
        with ask_app(App(settings)) as ask:
            yield ask


def test_the_server_answers_as_the_application(
    trained: Path, any_contract: Any, like: Any, tmp_path: Path
) -> None:
    answered = []
    with in_process(trained, prediction_log=tmp_path / "logs") as (url, process):
        with httpx.Client(base_url=url, timeout=20) as client:

            def ask(case: Case) -> Reply:
                got = client.request(
                    case.method, case.path, content=case.body, headers=dict(case.headers)
                )
                reply = Reply(got.status_code, got.headers["content-type"], got.content)
                if case.path.startswith("/v1/predict") and reply.status == 200:
                    answered.extend(conformance.ids(reply))
                return reply

            wrong = conformance.wrong(ask, like, conformance.predictions(any_contract))
            wrong += conformance.wrong(ask, like, conformance.others(any_contract))
        process.terminate()
        code = process.wait(30)

    assert wrong == []
    assert code == 0
    assert len(set(answered)) == len(answered) == 5
    assert sorted(conformance.logged(tmp_path / "logs")) == sorted(answered)
