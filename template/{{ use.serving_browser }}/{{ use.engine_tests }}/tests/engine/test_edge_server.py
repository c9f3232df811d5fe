"""The server of the app on this machine ends as a platform asks it to."""

import signal
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.core.settings import Settings
from engine.edge import server


@pytest.fixture
def own_handler() -> Iterator[None]:
    """What SIGTERM did before is what it does afterwards."""
    before = signal.getsignal(signal.SIGTERM)
    yield
    signal.signal(signal.SIGTERM, before)


@pytest.mark.usefixtures("own_handler")
def test_sigterm_ends_it_as_ctrl_c_does(tmp_path: Path) -> None:
    with server.listen(Settings(port=0), tmp_path) as listening:
        threading.Timer(0.2, signal.raise_signal, [signal.SIGTERM]).start()

        listening.serve_until_told()

    server.listen(Settings(port=listening.server_port), tmp_path).server_close()
