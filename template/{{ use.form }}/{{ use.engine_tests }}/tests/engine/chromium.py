"""Chromium for tests: found on this machine, started fresh, and what tests ask a page."""

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from playwright.sync_api import Browser, sync_playwright

from tools.doctor import chromium

QUIET = (  # no sandbox: containers of a CI have none; the rest keeps the browser off the network
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


def find() -> str:
    """The path of a Chromium; without one a test is skipped on a desk and fails in CI."""
    if found := chromium.find():
        return found
    if os.environ.get("CI", "").lower() in ("true", "1"):
        pytest.fail("no Chromium is installed; in CI the app must be tested in one (chromium)")
    pytest.skip("no Chromium or Chrome is installed (Debian package: chromium); not tested in one")


@contextmanager
def started() -> Iterator[Browser]:
    """A fresh headless browser."""
    path = find()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=[*QUIET])
        yield browser
        browser.close()


@contextmanager
def elsewhere() -> Iterator[tuple[str, list[str]]]:
    """Another server on this machine: its address, and the paths that it is asked for."""
    asked: list[str] = []

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path[1:])
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def do_POST(self) -> None:
            self.do_GET()

        def log_message(self, *_: object) -> None:
            """Nothing of it belongs into the report of the tests."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Answer) as server:
        threading.Thread(target=server.serve_forever, args=[0.01], daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/", asked
        server.shutdown()
