"""`up` ends in a server that answers, and the command it prints works."""

import json
import shutil
import socket
import subprocess
from pathlib import Path

import pytest

from engine.commands import predict
from engine.commands import start as serving
from engine.core.errors import DataError, ProjectError
from engine.core.settings import Settings
from engine.serving.first import links
from engine.serving.http.curl import command

from .conftest import CONTRACTS
from .http_server import in_thread
from .made_up import inside, requests

pytestmark = pytest.mark.parametrize(
    "contract_file", CONTRACTS[:2], indirect=True, ids=["own", "awkward"]
)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
    return port


def test_up_once_shows_one_answer_and_ends(
    trained: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = Settings(port=free_port(), prediction_log="")

    with inside(trained):
        code = serving.up(config, once=True)

    said = capsys.readouterr().out
    assert code == 0
    assert f"version 1 answers at http://127.0.0.1:{config.port}" in said
    assert '"fallback": false' in said


@pytest.mark.skipif(not shutil.which("curl"), reason="curl is not installed")
def test_the_printed_command_works_in_a_shell(trained: Path, any_contract: object) -> None:
    with in_thread(trained / "store", api_key="k'ey") as (client, _):
        body = {"rows": requests(any_contract)}
        asks = command(f"{client.base_url}/v1/predict", body, with_key=True)
        done = subprocess.run(
            ["sh", "-c", asks],
            env={"APP_API_KEY": "k'ey", "PATH": "/usr/bin:/bin"},
            capture_output=True,
            text=True,
            timeout=30,
        )

    assert len(json.loads(done.stdout)["predictions"]) == 1, done.stderr


def test_up_ends_with_the_pages_that_a_click_opens(trained: Path) -> None:
    url = "http://127.0.0.1:8000"
    with inside(trained):
        found = links(url, Settings())

    assert found[0].endswith(f" {url}/")
    assert found[1].endswith(f" {url}/docs")
    assert found[2].endswith(f" {url}/card")
    assert found[3].endswith(" (not made yet: python3 run.py data report)")
    assert all(len(line) <= 80 for line in found)


@pytest.mark.parametrize(
    ("settings", "count"),
    [({"pages": False}, 0), ({"api_key": "k"}, 5), ({"host": "0.0.0.0"}, 2)],
)
def test_up_names_no_page_that_would_not_open(
    trained: Path, settings: dict[str, object], count: int
) -> None:
    with inside(trained):
        assert len(links("http://127.0.0.1:8000", Settings(**settings))) == count


def test_without_a_champion_up_says_what_to_do(tmp_path: Path, trained: Path) -> None:
    config = Settings(port=free_port(), store=str(tmp_path), prediction_log="")

    with inside(trained), pytest.raises(ProjectError, match="no champion yet"):
        serving.up(config, once=True)


def test_predict_asks_the_running_server(
    trained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with in_thread(trained / "store") as (client, _), inside(trained):
        assert predict.main(["predict", "--url", str(client.base_url)]) == 0
        assert '"predictions"' in capsys.readouterr().out
        (tmp_path / "rows.json").write_text('{"rows": [{}]}')
        with pytest.raises(ProjectError, match="missing"):
            predict.main(["predict", str(tmp_path / "rows.json"), "--url", str(client.base_url)])
        (tmp_path / "rows.json").write_text("[]")
        with pytest.raises(DataError, match=r"rows\.json"):
            predict.main(["predict", str(tmp_path / "rows.json")])
