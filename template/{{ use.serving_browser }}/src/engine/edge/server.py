"""The exported app over HTTP on this machine, for a look; in production any static host does it."""

import functools
import http.server
import signal
import sys
import threading
from pathlib import Path
from typing import Any

from engine.core.errors import SettingsError
from engine.core.settings import Settings

TYPES = {  # the system's own table may lack or twist these, and a browser insists on them
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".onnx": "application/octet-stream",
    ".svg": "image/svg+xml",
    ".wasm": "application/wasm",
    ".webmanifest": "application/manifest+json",
}


class Handler(http.server.SimpleHTTPRequestHandler):
    """Hands out files with the types that browsers insist on, and says nothing of it."""

    extensions_map = TYPES

    def end_headers(self) -> None:
        """Let nothing be kept unasked: an older app would mix with a newer one."""
        self.send_header("Cache-Control", "no-cache")
        self.send_header("X-Content-Type-Options", "nosniff")
        super().end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Nothing: the address was printed, and that is all a person needs."""


class Server(http.server.ThreadingHTTPServer):
    """A server that a browser may leave in the middle of an answer."""

    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of a browser that has gone; anything else is a fault of ours."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)

    def serve_until_told(self) -> None:
        """Answer until Ctrl-C, or until SIGTERM, with which a platform ends a process."""
        signal.signal(signal.SIGTERM, lambda *_: threading.Thread(target=self.shutdown).start())
        self.serve_forever()


def listen(settings: Settings, folder: Path) -> Server:
    """Take the port.

    Raises SettingsError when it is taken, or may not be taken.
    """
    handler = functools.partial(Handler, directory=str(folder))
    try:
        return Server((settings.host, settings.port), handler)
    except (OSError, OverflowError) as error:
        reason = getattr(error, "strerror", None) or error
        raise SettingsError(
            f"port {settings.port} on {settings.host} cannot be used ({reason}); "
            "stop what runs there, or choose another with port in settings.toml or APP_PORT"
        ) from None


def address(server: Server) -> str:
    """The address to open in a browser on this machine."""
    host, port = str(server.server_address[0]), server.server_address[1]
    return f"http://{'127.0.0.1' if host == '0.0.0.0' else host}:{port}/"
