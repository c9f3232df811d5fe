"""Rude and hostile connections: what one caller sends never keeps another from an answer."""

import logging
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import httpx
import pytest
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from engine.serving.http import connection
from engine.serving.http import server as serve

from .conftest import CONTRACTS
from .http_server import in_thread, wait_for

pytestmark = [
    pytest.mark.parametrize("contract_file", CONTRACTS[:1], indirect=True, ids=["own"]),
    pytest.mark.usefixtures("trained"),
]
BODY = b"POST /v1/predict HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
HEAD = b"GET /health/live HTTP/1.1\r\nHost: x\r\n"
TRAILER = b"Transfer-Encoding: chunked\r\n\r\n0\r\n"


@pytest.fixture
def client(trained: Path) -> Iterator[httpx.Client]:
    with in_thread(trained / "store") as (client, _):
        yield client


@contextmanager
def caller(client: httpx.Client) -> Iterator[socket.socket]:
    with socket.create_connection((client.base_url.host, client.base_url.port), 10) as found:
        yield found


def answer(found: socket.socket) -> bytes:
    """All that comes until the server closes."""
    received = b""
    with suppress(ConnectionResetError):  # it closed while more was on its way
        while piece := found.recv(65_536):
            received += piece
    return received


def ask(found: socket.socket) -> None:
    """One request whose answer is read to its end."""
    found.sendall(HEAD + b"\r\n")
    received = b""
    while not received.endswith(b'"alive"}'):
        piece = found.recv(65_536)
        assert piece, "the server closed"
        received += piece
    assert received.startswith(b"HTTP/1.1 200 ")


def is_reset(found: socket.socket, content: bytes) -> bool:
    """Whether the server ended the connection; a full buffer of our own says nothing."""
    try:
        found.send(content)
    except TimeoutError:
        return False
    except (ConnectionResetError, BrokenPipeError):
        return True
    return False


def pour(found: socket.socket, most: int) -> int:
    """Send without end; how many bytes went before the server closed."""
    sent = 0
    with suppress(OSError):
        while sent < most:
            sent += found.send(b"a" * 100_000)
    return sent


@pytest.mark.parametrize(
    "start", [b"G", b"GET /", HEAD + b"X: ", HEAD + b"X", HEAD + TRAILER + b"X: "]
)
def test_a_head_without_an_end_is_cut_off(client: httpx.Client, start: bytes) -> None:
    with caller(client) as found:
        found.sendall(start)
        sent = pour(found, 200_000_000)

    assert sent < 20_000_000  # what the kernel had taken; the server read far less
    assert client.get("/health/live").status_code == 200


def test_others_are_answered_while_somebody_pours(client: httpx.Client) -> None:
    pouring = threading.Event()

    def again_and_again() -> None:
        while not pouring.wait(0.01):
            with caller(client) as found:
                found.sendall(HEAD + b"X: ")
                pour(found, 50_000_000)

    threads = [threading.Thread(target=again_and_again, daemon=True) for _ in range(4)]
    for thread in threads:
        thread.start()
    slowest = 0.0
    for _ in range(50):
        start = time.monotonic()
        assert client.get("/health/live").status_code == 200
        slowest = max(slowest, time.monotonic() - start)
    pouring.set()
    for thread in threads:
        thread.join(20)

    assert slowest < 2  # it was 17 s before there was a limit


@pytest.mark.parametrize(
    "lines",
    [b"X: %s\r\n" % (b"a" * 1_000_000), b"X: a\r\n" * 101, b"X: %s\r\n" % (b"a" * 500) * 70],
    ids=["one of a megabyte", "101 fields", "35 kB in all"],
)
def test_a_whole_head_that_is_too_long_is_431(client: httpx.Client, lines: bytes) -> None:
    with caller(client) as found:
        threading.Thread(target=_send, args=(found, HEAD + lines + b"\r\n"), daemon=True).start()
        said = answer(found)

    assert said.startswith(b"HTTP/1.1 431 ")
    assert b"application/problem+json" in said


def test_a_long_head_within_the_limits_is_answered(client: httpx.Client) -> None:
    headers = {f"x-{number}": "a" * 300 for number in range(90)}

    assert client.get("/health/live", headers=headers).status_code == 200
    assert client.get("/health/live?" + "a" * 20_000).status_code == 200


def test_a_body_longer_than_a_head_may_be_is_read(client: httpx.Client) -> None:
    content = b" " * (10 * connection.HEAD_BYTES)
    reply = client.post(
        "/v1/predict", content=content, headers={"Content-Type": "application/json"}
    )

    assert reply.status_code == 400  # it was read to its end, and holds no JSON


def test_half_a_head_behind_a_request_does_not_stay(
    client: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(serve, "HEAD_SECONDS", 0.3)
    with caller(client) as found:
        found.sendall(HEAD + b"\r\n" + HEAD)

        assert answer(found).startswith(b"HTTP/1.1 200 ")


def test_who_reads_no_answers_does_not_stay(
    client: httpx.Client, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(serve, "HEAD_SECONDS", 0.3)
    asked = b"GET /openapi.json HTTP/1.1\r\nHost: x\r\n\r\n"
    with socket.socket() as found:
        found.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)  # it is full soon
        found.settimeout(0.2)
        found.connect((client.base_url.host, client.base_url.port))
        found.send(asked * 2000)
        wait_for(lambda: is_reset(found, asked), 20)

    assert client.get("/health/live").status_code == 200
    assert not [record for record in caplog.records if record.levelname == "ERROR"]


def test_requests_are_not_read_far_ahead_of_their_answers(
    client: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    ahead: list[int] = []
    complete = HttpToolsProtocol.on_headers_complete

    def count(self: HttpToolsProtocol) -> None:
        complete(self)
        ahead.append(len(self.pipeline))

    monkeypatch.setattr(HttpToolsProtocol, "on_headers_complete", count)
    request = b"GET /health/live HTTP/1.1\r\n\r\n"
    with caller(client) as found:
        threading.Thread(target=_send, args=(found, request * 2000), daemon=True).start()
        received = b""
        while received.count(b'"alive"}') < 2000:
            piece = found.recv(65_536)
            assert piece, "the server closed"
            received += piece

    assert len(ahead) == 2000
    assert max(ahead) < 200  # each is 2 kB of objects; thousands fit into what comes at once


def test_pieces_of_a_body_are_handed_over_together(
    client: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    handed: list[int] = []
    on_body = HttpToolsProtocol.on_body

    def count(self: HttpToolsProtocol, body: bytes) -> None:
        handed.append(len(body))
        on_body(self, body)

    monkeypatch.setattr(HttpToolsProtocol, "on_body", count)
    with caller(client) as found:
        chunks = b"1\r\n \r\n" * 5000
        found.sendall(BODY + b"Connection: close\r\nTransfer-Encoding: chunked\r\n\r\n" + chunks)
        found.sendall(b"0\r\n\r\n")

        assert answer(found).startswith(b"HTTP/1.1 400 ")  # it was read to its end: no JSON
    assert sum(handed) == 5000
    assert len(handed) < 100


def test_a_peer_that_sent_much_waits_for_its_next_turn(
    client: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    turns: list[int] = []
    take_turn = connection.Connection._take_turn

    def count(self: connection.Connection) -> None:
        before = len(self._rest)
        take_turn(self)
        turns.append(before - len(self._rest))

    monkeypatch.setattr(connection, "TURN", 8192)
    monkeypatch.setattr(connection.Connection, "_take_turn", count)
    content = b" " * 900_000
    reply = client.post(
        "/v1/predict", content=content, headers={"Content-Type": "application/json"}
    )

    assert reply.status_code == 400
    assert sum(turns) > len(content) / 2  # small pieces of it come alone
    assert max(turns) <= 8192


@pytest.mark.parametrize("start", [b"", b"GET /", BODY + b"Content-Length: 1000\r\n\r\n{"])
def test_connections_that_wait_for_their_peers_make_room(
    client: httpx.Client, monkeypatch: pytest.MonkeyPatch, start: bytes
) -> None:
    monkeypatch.setattr(connection, "MOST", 3)
    with caller(client) as first, caller(client) as second, caller(client) as third:
        for each in (first, second, third):
            each.sendall(start)
        assert client.get("/health/live").status_code == 200
        assert answer(first) == b""  # it is closed


def test_the_connection_that_is_in_use_stays(
    client: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "MOST", 3)
    with caller(client) as first, caller(client) as second, caller(client) as third:
        for each in (first, second, third, first):
            ask(each)
        with caller(client) as fourth:
            ask(fourth)
            assert answer(second) == b""  # it is closed
            ask(first)


def test_where_every_connection_is_in_work_another_is_refused(
    client: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "MOST", 0)
    with caller(client) as found:
        said = answer(found)

    assert said.startswith(b"HTTP/1.1 503 ")
    assert b"retry-after: 1" in said.lower()


def test_one_connection_too_many_ends_the_longest_idle_one(
    client: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "MOST", 3)
    with caller(client) as first, caller(client) as second, caller(client) as third:
        for each in (first, second, third):
            ask(each)
        with caller(client) as fourth:
            ask(fourth)
            assert answer(first) == b""  # it is closed
            ask(third)


def test_a_flood_of_malformed_requests_is_one_line_of_the_log(
    client: httpx.Client, caplog: pytest.LogCaptureFixture
) -> None:
    seldom = connection.Seldom()
    logger = logging.getLogger("uvicorn.error")
    logger.addFilter(seldom)
    try:
        for _ in range(50):
            with caller(client) as found:
                found.sendall(b"no request\r\n\r\n")
                assert answer(found).startswith(b"HTTP/1.1 400 ")
        seldom._seen = {text: (-60.0, held) for text, (_, held) in seldom._seen.items()}
        with caller(client) as found:
            found.sendall(b"no request\r\n\r\n")
            answer(found)
    finally:
        logger.removeFilter(seldom)

    said = [record.getMessage() for record in caplog.records if record.name == "uvicorn.error"]
    assert len(said) == 2
    assert "49 more" in said[1]


def test_an_upgrade_is_answered_without_a_word_in_the_log(
    client: httpx.Client, caplog: pytest.LogCaptureFixture
) -> None:
    headers = {"Connection": "Upgrade", "Upgrade": "websocket"}

    assert client.get("/health/live", headers=headers).status_code == 200
    assert "ebSocket" not in caplog.text


def test_who_leaves_with_answers_outstanding_leaves_no_traceback(
    client: httpx.Client, caplog: pytest.LogCaptureFixture
) -> None:
    for _ in range(5):
        with caller(client) as found:
            found.sendall((HEAD + b"\r\n") * 500)
            found.recv(10)
    wait_for(lambda: client.get("/health/live").status_code == 200)

    assert "Traceback" not in caplog.text
    assert not [record for record in caplog.records if record.exc_info]


def _send(found: socket.socket, content: bytes) -> None:
    with suppress(OSError):  # it is refused before its end
        found.sendall(content)
