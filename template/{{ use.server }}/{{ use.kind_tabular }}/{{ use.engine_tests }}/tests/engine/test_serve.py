"""The process as it is deployed: its start, overload, rude callers, and its end."""

import asyncio
import json
import shutil
import signal
import socket
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest

from engine.core.errors import SettingsError
from engine.core.settings import Settings
from engine.serving.http import app as application
from engine.serving.http import server as serve

from .conftest import CONTRACTS
from .http_server import START_SECONDS, body, in_process, in_thread, wait_for
from .made_up import inside, requests

pytestmark = [
    pytest.mark.parametrize("contract_file", CONTRACTS[:1], indirect=True, ids=["own"]),
    pytest.mark.usefixtures("trained"),
]
JSON = {"Content-Type": "application/json"}


class Callers:
    """Threads that ask again and again, and write down what they get."""

    def __init__(
        self, url: str, content: bytes, count: int, headers: dict[str, str] | None = None
    ) -> None:
        self.url, self.content, self.headers = url, content, JSON | (headers or {})
        self.statuses: Counter[int | str] = Counter()
        self.ids: list[str] = []
        self.go_on = True
        self.threads = [threading.Thread(target=self._ask, daemon=True) for _ in range(count)]

    def start(self) -> None:
        for thread in self.threads:
            thread.start()

    def stop(self) -> None:
        self.go_on = False
        for thread in self.threads:
            thread.join(20)

    def _ask(self) -> None:
        with httpx.Client(base_url=self.url, headers=self.headers, timeout=15) as client:
            while self.go_on:
                try:
                    reply = client.post("/v1/predict", content=self.content)
                except httpx.ConnectError:
                    return  # nobody listens any more: not accepted, so not lost
                except httpx.TransportError as error:
                    self.statuses[type(error).__name__] += 1
                    return
                self.statuses[reply.status_code] += 1
                if reply.status_code == 200:
                    self.ids += [p["id"] for p in reply.json()["predictions"]]


def logged(folder: Path) -> list[str]:
    lines = (line for file in folder.glob("predictions-*") for line in file.open())
    return [json.loads(line)["id"] for line in lines]


def test_sigterm_under_load_loses_nothing_that_was_accepted(
    trained: Path, any_contract: Any, tmp_path: Path
) -> None:
    content = body(requests(any_contract, 20))
    with in_process(trained, prediction_log=tmp_path / "logs", drain_seconds=80) as (url, process):
        callers = Callers(url, content, 8)
        callers.start()
        wait_for(lambda: callers.statuses[200] > 50)
        process.send_signal(signal.SIGTERM)
        wait_for(lambda: httpx.get(f"{url}/health/ready").status_code == 503)
        before = callers.statuses[200]
        wait_for(lambda: callers.statuses[200] > before + 50)
        callers.stop()
        code = process.wait(30)

    assert code == 0
    assert set(callers.statuses) == {200}
    assert sorted(callers.ids) == sorted(logged(tmp_path / "logs"))


def test_whom_the_kernel_has_connected_is_answered_though_the_port_closes(
    trained: Path, any_contract: Any
) -> None:
    """Nothing is accepted meanwhile: they connect and ask while the event loop is at this test."""
    content = body(requests(any_contract, 1))
    asked = b"POST /v1/predict HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
    asked += b"Connection: close\r\nContent-Length: %d\r\n\r\n" % len(content) + content

    async def scenario(server: serve.Server, listener: socket.socket) -> list[bytes]:
        address = listener.getsockname()
        serving = asyncio.create_task(server.serve(sockets=[listener]))
        while not server.started:
            await asyncio.sleep(0.01)
        callers = [socket.create_connection(address, timeout=20) for _ in range(50)]
        for caller in callers:
            caller.sendall(asked)
        await server._close_port()
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(address, timeout=5)
        answers = [await asyncio.to_thread(caller.recv, 12) for caller in callers]
        server.should_exit = True
        await serving
        for caller in callers:
            caller.close()
        return answers

    with inside(trained):
        settings = Settings(store=str(trained / "store"), prediction_log="")
        server = serve.Server(application.App(settings), settings)
        listener = serve.listen("127.0.0.1", 0)
        with asyncio.Runner(loop_factory=server.config.get_loop_factory()) as runner:
            answers = runner.run(scenario(server, listener))

    assert answers == [b"HTTP/1.1 200"] * 50


def test_a_request_in_work_is_answered_before_the_end(trained: Path, any_contract: Any) -> None:
    started, release, replies = threading.Event(), threading.Event(), []
    with in_thread(trained / "store", deadline_ms=30_000) as (client, app):
        model = app.model.now.predictor
        score = model.score

        def slow(rows: Any) -> Any:
            started.set()
            release.wait(10)
            return score(rows)

        model.score = slow
        url, content = f"{client.base_url}/v1/predict", body(requests(any_contract))
        asking = threading.Thread(
            target=lambda: replies.append(httpx.post(url, content=content, headers=JSON))
        )
        asking.start()
        started.wait(10)
        threading.Timer(0.5, release.set).start()
    asking.join(10)

    assert [reply.status_code for reply in replies] == [200]


def test_ten_times_too_much_is_refused_at_once_and_the_rest_is_served(
    trained: Path, any_contract: Any
) -> None:
    content, release = body(requests(any_contract, 10)), threading.Event()
    patient = {"deadline_ms": 60_000, "lookup_ms": 60_000}
    with in_thread(trained / "store", queue_rows=40, **patient) as (client, app):
        model = app.model.now.predictor
        score = model.score
        model.score = lambda rows: score(rows) if release.wait(60) else None

        def ask(_: int) -> httpx.Response:
            url = client.base_url.join("/v1/predict")
            return httpx.post(url, content=content, headers=JSON, timeout=90)

        with ThreadPoolExecutor(40) as callers:
            asked = [callers.submit(ask, number) for number in range(40)]
            wait_for(lambda: sum(call.done() for call in asked) == 36)
            alive, waiting = client.get("/health/live"), app.thread.waiting
            release.set()
            replies = [call.result() for call in asked]
        counted = client.get("/metrics").text

    assert Counter(reply.status_code for reply in replies) == {200: 4, 503: 36}
    assert (alive.status_code, waiting) == (200, 40)
    assert {r.headers.get("retry-after") for r in replies if r.status_code == 503} == {"1"}
    assert 'queue_refused_total{project="model"} 36.0' in counted
    assert 'predict_rows_total{answer="fallback",project="model"} 0.0' in counted


def test_callers_that_leave_or_dawdle_hurt_nobody(
    trained: Path, any_contract: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(serve, "HEAD_SECONDS", 0.5)
    content = body(requests(any_contract, 5))
    head = b"POST /v1/predict HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
    length = b"Content-Length: %d\r\n\r\n" % len(content)
    with in_thread(trained / "store") as (client, app):
        address = (client.base_url.host, client.base_url.port)
        for sent in (
            b"",
            head,
            head + length,
            head + length + content[:5],
            head + length + content,
        ):
            with socket.create_connection(address) as left:
                left.sendall(sent)
        first = client.get("/health/live")  # its connection is idle from now on, and may be
        kept = first.extensions["network_stream"].get_extra_info("client_addr")
        silent, dawdling = socket.create_connection(address), socket.create_connection(address)
        dawdling.sendall(head)
        for caller in (silent, dawdling):
            caller.settimeout(5)
            assert caller.recv(100) == b""  # the server closed it
            caller.close()

        idle = client.post("/v1/predict", content=content, headers=JSON)
        assert idle.status_code == 200
        assert idle.extensions["network_stream"].get_extra_info("client_addr") == kept
        wait_for(lambda: app.thread.waiting == 0)


def test_a_body_that_trickles_in_is_refused(trained: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from engine.serving.http import body as bodies

    monkeypatch.setattr(bodies, "SECONDS", 0.3)
    with in_thread(trained / "store") as (client, _):

        def trickle() -> Any:
            for _ in range(20):
                yield b" "
                time.sleep(0.1)

        reply = client.post("/v1/predict", content=trickle(), headers=JSON)

    assert reply.status_code == 408


def test_a_full_or_missing_disk_does_not_stop_predictions(
    trained: Path, any_contract: Any, tmp_path: Path
) -> None:
    folder = tmp_path / "logs"
    folder.write_text("a file where the folder should be")
    with in_thread(trained / "store", prediction_log=str(folder)) as (client, app):
        rows = body(requests(any_contract, 2))
        first = client.post("/v1/predict", content=rows, headers=JSON)
        wait_for(lambda: not app.log.is_writable)
        later = client.post("/v1/predict", content=rows, headers=JSON)
        ready = client.get("/health/ready")
        outcomes = client.post(
            "/v1/outcomes",
            json={
                "outcomes": [
                    {"id": "1", "outcome": any_contract.classes[0] if any_contract.classes else 1}
                ]
            },
        )
        counted = client.get("/metrics").text

    assert [r.status_code for r in (first, later, ready, outcomes)] == [200, 200, 200, 503]
    assert "retry-after" in outcomes.headers
    assert 'prediction_log_dropped_total{project="model"} 0.0' not in counted


def outcome_of(contract: Any, number: str) -> dict[str, Any]:
    """A report of what became of one prediction."""
    became = contract.classes[0] if contract.classes else 1
    return {"outcomes": [{"id": number, "outcome": became}]}


def test_outcomes_are_taken_again_when_the_disk_is_back(
    trained: Path, any_contract: Any, tmp_path: Path
) -> None:
    folder = tmp_path / "logs"
    folder.write_text("a file where the folder should be")
    with in_thread(trained / "store", prediction_log=str(folder)) as (client, _):
        lost = client.post("/v1/outcomes", json=outcome_of(any_contract, "lost"))
        folder.unlink()
        kept = client.post("/v1/outcomes", json=outcome_of(any_contract, "kept"))

    assert (lost.status_code, kept.status_code) == (503, 202)
    assert "none was kept" in lost.json()["detail"]
    [file] = folder.glob("outcomes-*")
    assert [json.loads(line)["id"] for line in file.open()] == ["kept"]


def test_an_accepted_outcome_survives_a_kill(
    trained: Path, any_contract: Any, tmp_path: Path
) -> None:
    logs = tmp_path / "logs"
    with in_process(trained, prediction_log=logs) as (url, process):
        for number in range(20):
            told = httpx.post(f"{url}/v1/outcomes", json=outcome_of(any_contract, str(number)))
            assert told.status_code == 202
        process.kill()
        process.wait(10)

    [file] = logs.glob("outcomes-*")
    assert [json.loads(line)["id"] for line in file.open()] == [str(n) for n in range(20)]


def test_sighup_looks_at_the_registry_at_once(trained: Path, tmp_path: Path) -> None:
    store = tmp_path / "store"
    with in_process(tmp_path, store=store, reload_seconds=3600) as (url, process):
        assert httpx.get(f"{url}/health/ready").status_code == 503
        shutil.copytree(trained / "store", store)
        process.send_signal(signal.SIGHUP)
        wait_for(lambda: httpx.get(f"{url}/health/ready").status_code == 200, START_SECONDS)


def test_a_port_that_is_taken_is_said_in_one_line() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(SettingsError) as caught:
            serve.listen("127.0.0.1", port)

    assert str(port) in str(caught.value)
    assert "APP_PORT" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_server_open_to_the_world_without_a_key_says_so(trained: Path) -> None:
    with in_process(trained, host="0.0.0.0") as (url, process):
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=20)

    assert url.startswith("http://127.0.0.1:")
    assert said.count("APP_API_KEY is not set") == 1
    assert process.returncode == 0
