"""The client tries again when that can help, and only then."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from engine.serving import client as clients

from .http_server import in_thread
from .made_up import requests

GOOD = b'{"model_version": 1, "run_id": "r", "predictions": [{"id": "1", "fallback": false}]}'
PROBLEM = b'{"detail": "no", "problems": [{"rule": "r", "detail": "d", "column": "c", "row": 0}]}'


@contextmanager
def server(*script: tuple[int, dict[str, str]] | str) -> Iterator[tuple[str, list[float]]]:
    """A server that answers as told, one entry per request, the last one for ever."""
    seen: list[float] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            step = script[min(len(seen), len(script) - 1)]
            seen.append(time.monotonic())
            self.rfile.read(int(self.headers["Content-Length"]))
            if step == "hang up":
                self.close_connection = True
                return
            if step == "say nothing":
                time.sleep(2)
                return
            assert not isinstance(step, str)
            status, headers = step
            content = GOOD if status == 200 else PROBLEM
            self.send_response(status)
            for name, value in {**headers, "Content-Length": str(len(content))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    http.daemon_threads = True
    threading.Thread(target=http.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{http.server_port}", seen
    finally:
        http.shutdown()
        http.server_close()


def ask(url: str, **options: Any) -> Any:
    with clients.Client(url, **{"deadline": 5.0, "first_wait": 0.01, **options}) as client:
        return client.predict([{}])


@pytest.mark.parametrize("failure", [(429, {}), (502, {}), (503, {}), (504, {}), "hang up"])
def test_it_tries_again_until_the_server_is_back(failure: Any) -> None:
    with server(failure, failure, (200, {})) as (url, seen):
        answer = ask(url)

    assert answer.predictions[0].id == "1"
    assert len(seen) == 3


@pytest.mark.parametrize("status", [400, 401, 404, 405, 413, 415, 422, 500])
def test_what_trying_again_cannot_mend_is_raised_at_once(status: int) -> None:
    with server((status, {})) as (url, seen), pytest.raises(clients.RejectedError) as caught:
        ask(url)

    assert len(seen) == 1
    assert caught.value.status == status
    assert caught.value.problems[0].column == "c"


@pytest.mark.parametrize("form", ["seconds", "date"])
def test_it_waits_as_long_as_it_is_asked_to(form: str) -> None:
    now, began = time.time(), time.monotonic()
    asked = "1" if form == "seconds" else formatdate(now + 3, usegmt=True)
    wait = 1.0 if form == "seconds" else int(now + 3) - now  # a date has no fractions
    with server((503, {"Retry-After": asked}), (200, {})) as (url, seen):
        ask(url)

    assert began + wait - 0.1 <= seen[1] < seen[0] + 5.0


def test_it_gives_up_at_the_deadline() -> None:
    with server((503, {})) as (url, seen):
        start = time.monotonic()
        with pytest.raises(clients.UnavailableError, match="503: no"):
            ask(url, deadline=0.5, longest_wait=0.1)
        took = time.monotonic() - start

    assert 2 < len(seen) < 100
    assert took < 1.5


def test_what_the_server_said_is_not_lost_when_the_last_try_is_cut_off() -> None:
    with (
        server((503, {}), "say nothing") as (url, seen),
        pytest.raises(clients.UnavailableError, match="503: no"),
    ):
        ask(url, deadline=0.5)

    assert 2 <= len(seen) <= 3  # the second may end some milliseconds early, and leave time for one


def test_an_answer_that_does_not_come_ends_at_the_deadline_too() -> None:
    with server("say nothing") as (url, _):
        start = time.monotonic()
        with pytest.raises(clients.UnavailableError):
            ask(url, deadline=0.3)

    assert time.monotonic() - start < 1.5


def test_a_wait_longer_than_the_deadline_is_not_begun() -> None:
    with server((503, {"Retry-After": "3600"})) as (url, seen):
        start = time.monotonic()
        with pytest.raises(clients.UnavailableError):
            ask(url)

    assert time.monotonic() - start < 2
    assert len(seen) == 1


def test_nobody_there_is_unavailable() -> None:
    with pytest.raises(clients.UnavailableError):
        ask("http://127.0.0.1:9", deadline=0.2)


def test_waits_are_random_and_grow() -> None:
    with server((503, {})) as (url, seen), pytest.raises(clients.UnavailableError):
        ask(url, deadline=2.0, first_wait=0.1, longest_wait=10)

    waits = [later - earlier for earlier, later in pairwise(seen)]
    assert len({round(wait, 2) for wait in waits}) > 1
    assert all(wait < 0.1 * 2**number + 0.5 for number, wait in enumerate(waits))


def test_it_speaks_with_the_real_server(trained: Path, tmp_path: Path) -> None:
    with in_thread(trained / "store", api_key="ключ", prediction_log=str(tmp_path)) as (http, app):
        contract = app.model.now.predictor.contract
        url = str(http.base_url)
        with clients.Client(url, api_key="ключ") as client:
            found = client.predict(requests(contract, 3))
            outcome = contract.classes[0] if contract.classes else 2.5
            client.report([clients.Outcome(p.id, outcome) for p in found.predictions])
            version = client.about()["version"]
        with clients.Client(url) as stranger, pytest.raises(clients.RejectedError) as caught:
            stranger.predict([{}])

    assert (len(found.predictions), found.model_version, version) == (3, 1, 1)
    assert caught.value.status == 401
