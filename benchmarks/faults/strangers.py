"""Peers that keep a server busy without asking anything, and how other callers fare meanwhile."""

import contextlib
import socket
import threading
import time
from collections.abc import Callable
from pathlib import Path

from .callers import Callers
from .project import Row, Server, serving

HEAD = b"POST /v1/predict HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
Peer = Callable[[socket.socket, threading.Event], object]


def _pour(peer: socket.socket, is_over: threading.Event) -> None:
    """A head without an end."""
    peer.sendall(b"GET /health/live HTTP/1.1\r\nHost: x\r\nX: ")
    while not is_over.is_set():
        peer.sendall(b"a" * 100_000)


def _trickle(peer: socket.socket, is_over: threading.Event) -> None:
    """A body of which a byte comes twice a second."""
    peer.sendall(HEAD + b"Content-Length: 1000\r\n\r\n{")
    while not is_over.wait(0.5):
        peer.sendall(b" ")


def _sit(peer: socket.socket, is_over: threading.Event) -> None:
    """Nothing at all."""
    del peer
    is_over.wait()


def _babble(peer: socket.socket, is_over: threading.Event) -> None:
    """What is no request."""
    del is_over
    peer.sendall(b"\x16\x03\x01 nonsense\r\n\r\n")
    peer.recv(1000)


def _crumble(peer: socket.socket, is_over: threading.Event) -> None:
    """A body in chunks of a byte."""
    peer.sendall(HEAD + b"Transfer-Encoding: chunked\r\n\r\n")
    while not is_over.is_set():
        peer.sendall(b"1\r\n \r\n" * 10_000)


def _ask_on(peer: socket.socket, is_over: threading.Event) -> None:
    """Requests, one behind the other, whose answers nobody reads."""
    while not is_over.is_set():
        peer.sendall(b"GET /openapi.json HTTP/1.1\r\nHost: x\r\n\r\n" * 2_000)


KINDS: list[tuple[str, Peer, int]] = [
    ("a request head that never ends", _pour, 4),
    ("bodies that come a byte at a time", _trickle, 1_000),
    ("bodies in chunks of a byte", _crumble, 8),
    ("requests whose answers nobody reads", _ask_on, 40),
    ("connections that say nothing", _sit, 1_000),
    ("malformed heads, one after the other", _babble, 8),
]


def visited(project: Path, bodies: list[bytes], seconds: float) -> list[Row]:
    """Four callers, each 10 times a second, alone and beside each kind of stranger."""
    with serving(project) as server:
        quiet = _callers(server, bodies, seconds)
        rows = [_row("nobody else", "", quiet)]
        for name, peer, count in KINDS:
            is_over, tried = threading.Event(), [0]
            threads = [
                threading.Thread(target=_visit, args=(server.port, peer, is_over, tried))
                for _ in range(count)
            ]
            for thread in threads:
                thread.start()
            beside = _callers(server, bodies, seconds)
            is_over.set()
            for thread in threads:
                thread.join()
            rows.append(_row(name, f"{count} at a time, {tried[0]:,} connections; ", beside))
    return rows


def _visit(port: int, peer: Peer, is_over: threading.Event, tried: list[int]) -> None:
    while not is_over.is_set():
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 5) as one:
            tried[0] += 1
            peer(one, is_over)
        time.sleep(0.01)


def _callers(server: Server, bodies: list[bytes], seconds: float) -> Callers:
    with Callers(server.port, bodies, 4, every=0.1) as callers:
        time.sleep(seconds)
    return callers


def _row(name: str, strangers: str, callers: Callers) -> Row:
    times = sorted(callers.seconds)
    p50, p99 = (1000 * times[int(share * (len(times) - 1))] for share in (0.5, 0.99))
    fallbacks = sum(said["predictions"][0]["fallback"] for _, said in callers.answers)
    held = f"{len(callers.answers):,} answers, p50 {p50:.0f} ms, p99 {p99:.0f} ms"
    held += f", {fallbacks} by the fallback"
    tried = f"{strangers}{callers.statuses.total() + len(callers.lost):,} requests of others"
    return Row(f"beside callers: {name}", tried, held, callers.failed + len(callers.lost))
