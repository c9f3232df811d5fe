"""The serving process: one worker, one socket, an orderly end."""

import asyncio
import contextlib
import logging
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Generator, Iterator, Mapping
from types import FrameType

import uvicorn

from engine.core.errors import SettingsError
from engine.core.settings import Settings
from engine.serving.http.app import App
from engine.serving.http.connection import Connection, Peers, Seldom

log = logging.getLogger(__name__)

QUIET_SECONDS = 1.0  # after SIGTERM callers are answered until none has come for so long,
LINGER_SHARE = 0.25  # at most for this share of drain_seconds; each answer closes its connection
CLOSING_SECONDS = 0.3  # then, with the port closed, until so long nobody was answered any more
HEAD_SECONDS = 10  # a connection that sends no complete head, or reads no answer, is closed
KEEP_SECONDS = 75  # between two requests; longer than the 60 that load balancers commonly allow
FORMAT = "%(asctime)s %(levelname)s %(name)s: %(message)s"


def run(settings: Settings, when_up: Callable[[str], object], *, once: bool = False) -> int:
    """Serve in the foreground; `when_up` is called with the address, in its own thread.

    With `once` the server stops after that call.
    """
    logging.basicConfig(level=settings.log_level.upper(), format=FORMAT, stream=sys.stderr)
    for chatty in ("uvicorn", "httpx"):
        logging.getLogger(chatty).setLevel(logging.WARNING)
    logging.getLogger("uvicorn.error").addFilter(Seldom())
    listener = listen(settings.host, settings.port)
    port = listener.getsockname()[1]
    if not settings.api_key and not settings.is_local:
        log.warning("%s can be reached from outside, and APP_API_KEY is not set", settings.host)
    server = Server(App(settings), settings)
    url = f"http://{_shown(settings.host)}:{port}"
    server.call_when_up(lambda: when_up(url), once=once)
    server.run(sockets=[listener])
    return server.result()


def listen(host: str, port: int) -> socket.socket:
    """Take the port.

    Raises SettingsError when it is taken, or may not be taken.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=2048)
    except (OSError, OverflowError) as error:
        reason = str(getattr(error, "strerror", error)).partition(" (")[0]
        raise SettingsError(
            f"port {port} on {host} cannot be used ({reason}); "
            "stop what runs there, or choose another with port in settings.toml or APP_PORT"
        ) from None


class Server(uvicorn.Server):
    """uvicorn, with a goodbye on SIGTERM, a reload on SIGHUP and no patience for idlers."""

    def __init__(self, app: App, settings: Settings) -> None:
        super().__init__(
            uvicorn.Config(
                app,
                lifespan="on",
                http=Connection,
                ws="none",
                log_config=None,
                access_log=False,
                server_header=False,
                proxy_headers=False,
                timeout_keep_alive=KEEP_SECONDS,
                timeout_graceful_shutdown=settings.drain_seconds,
            )
        )
        self.server_state = Peers()
        self._app = app
        app.scoring.in_work = lambda: len(self.server_state.tasks)
        self._most_linger = settings.drain_seconds * LINGER_SHARE
        self._most_closing = settings.drain_seconds - self._most_linger
        self._leaving_since: float | None = None
        self._closed_since: float | None = None
        self._last_seen = (0, 0.0)
        self._idle: Mapping[Connection, object] = {}
        self._failure: BaseException | None = None
        self._listeners: list[socket.socket] = []

    def call_when_up(self, function: Callable[[], object], *, once: bool) -> None:
        """Call the function when the server answers; if it fails, or with `once`, stop then."""

        def wait() -> None:
            while not self.started and not self.should_exit:
                time.sleep(0.01)
            try:
                function()
            except BaseException as error:
                self._failure = error
            self.should_exit = self.should_exit or once or self._failure is not None

        threading.Thread(target=wait, name="when up", daemon=True).start()

    def result(self) -> int:
        """The exit code, or the failure of what was called when the server was up."""
        if self._failure:
            raise self._failure
        return 0

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None]:
        """Handle the signals that end or reload; a clean end is exit code 0."""
        if threading.current_thread() is not threading.main_thread():  # others get no signals
            yield
            return
        handlers = {signal.SIGINT: self._leave_now, signal.SIGTERM: self._leave}
        if hasattr(signal, "SIGHUP"):
            handlers[signal.SIGHUP] = lambda *_: self._app.look_again()
        before = {number: signal.signal(number, handler) for number, handler in handlers.items()}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Remember which ports are served."""
        self._listeners = sockets or []
        await super().startup(sockets)

    async def on_tick(self, counter: int) -> bool:
        """Ten times a second: leave when it is time, close connections that only sit there."""
        if self._leaving_since is not None and not self.should_exit:
            await self._go_on_leaving(self._leaving_since)
        if counter % max(int(HEAD_SECONDS * 10), 1) == 0:
            self._close_idle()
        return await super().on_tick(counter)

    def _leave(self, _number: int, _frame: FrameType | None) -> None:
        self._app.endpoints.is_leaving = True
        self._leaving_since = self._leaving_since or time.monotonic()

    async def _go_on_leaving(self, since: float) -> None:
        """Answer until callers go elsewhere, close the port, answer who is still connected."""
        if self._closed_since is None:
            if self._is_quiet(since, QUIET_SECONDS, self._most_linger):
                await self._close_port()
                self._closed_since = time.monotonic()
        else:
            quiet = self._is_quiet(self._closed_since, CLOSING_SECONDS, self._most_closing)
            self.should_exit = quiet

    async def _close_port(self) -> None:
        """Close it, and take in whom the kernel had connected already: closing would reset them."""
        doors = [listener.dup() for listener in self._listeners]
        for server in self.servers:
            server.close()
        callers = [caller for door in doors for caller in _waiting(door)]
        for caller in callers:
            await asyncio.get_running_loop().connect_accepted_socket(self._connection, caller)

    def _connection(self) -> Connection:
        return Connection(self.config, self.server_state, self.lifespan.state)

    def _is_quiet(self, since: float, seconds: float, most: float) -> bool:
        """Whether nobody was answered for some seconds; at the latest after `most`."""
        now, count = time.monotonic(), self.server_state.total_requests
        if count != self._last_seen[0]:
            self._last_seen = count, now
        return now - max(since, self._last_seen[1]) >= seconds or now - since >= most

    def _leave_now(self, _number: int, _frame: FrameType | None) -> None:
        self.force_exit = self.should_exit  # a second Ctrl-C waits for nobody
        self.should_exit = True

    def _close_idle(self) -> None:
        waiting = {
            connection: connection.cycle
            for connection in self.server_state.connections
            if isinstance(connection, Connection) and _keeps_waiting(connection)
        }
        for connection, cycle in waiting.items():
            if connection in self._idle and self._idle[connection] is cycle:
                connection.transport.abort()  # what was written would wait to be read for ever
        self._idle = waiting


def _waiting(door: socket.socket) -> Iterator[socket.socket]:
    """Whoever waits at a port, which is closed once nobody does."""
    with door:
        door.setblocking(False)
        while True:
            try:
                caller, _ = door.accept()
            except ConnectionAbortedError:
                continue
            except OSError:  # nobody waits, or no more connections may be opened
                return
            caller.setblocking(False)
            yield caller


def _keeps_waiting(connection: Connection) -> bool:
    """Whether the server waits for a peer, and no timer of uvicorn's ends that."""
    if connection.flow.write_paused or (connection.is_idle and connection.is_open_head):
        return True
    return connection.is_idle and connection.timeout_keep_alive_task is None


def _shown(host: str) -> str:
    reachable = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}.get(host, host)
    return f"[{reachable}]" if ":" in reachable else reachable
