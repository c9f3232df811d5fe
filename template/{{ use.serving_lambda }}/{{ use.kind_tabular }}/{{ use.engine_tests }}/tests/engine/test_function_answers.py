"""The function says through the real runtime client, byte for byte, what the application says."""

import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from engine.core.settings import Settings
from engine.serving.http.app import App

from . import conformance
from .asked import ask_app
from .conformance import Case, Reply
from .conftest import CONTRACTS
from .gateways import GATEWAYS, sent_back
from .made_up import inside
from .runtime_api import function

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


def test_the_function_answers_as_the_application(
    trained: Path, any_contract: Any, like: Any, tmp_path: Path
) -> None:
    answered: list[str] = []
    wrong: list[str] = []
    with function(trained, prediction_log=tmp_path / "logs") as (api, process):
        for name, event_of in GATEWAYS.items():

            def ask(case: Case, event_of: Any = event_of) -> Reply:
                reply = sent_back(api.invoke(event_of(case)).reply)
                if case.path.startswith("/v1/predict") and reply.status == 200:
                    answered.extend(conformance.ids(reply))
                    # the process may be stopped from here on for ever
                    assert set(answered) == set(conformance.logged(tmp_path / "logs"))
                return reply

            cases = conformance.predictions(any_contract) + conformance.others(any_contract)
            wrong += [f"{name}: {each}" for each in conformance.wrong(ask, like, cases)]
        process.terminate()
        code = process.wait(30)

    assert wrong == []
    assert code == -signal.SIGTERM  # everything was written before each reply
    assert len(set(answered)) == len(answered) == 5 * len(GATEWAYS)
    assert sorted(conformance.logged(tmp_path / "logs")) == sorted(answered)
