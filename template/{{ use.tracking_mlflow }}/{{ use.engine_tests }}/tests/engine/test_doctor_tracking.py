"""What doctor says of the tracking server."""

import socket

import pytest

from tools.doctor import CANNOT_TELL, MISSING, OK, tracking


def test_a_server_that_is_named_is_called(monkeypatch: pytest.MonkeyPatch) -> None:
    found = []
    with socket.create_server(("127.0.0.1", 0)) as there, socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        begin = "http://me:hidden@127.0.0.1"  # not a secret
        named = [f"{begin}:{each.getsockname()[1]}" for each in (there, closed)]
        for url in ("", *named, "sqlite:///runs.db"):
            monkeypatch.setenv("APP_TRACKING_URL", url)
            found += tracking.look()

    assert [finding.state for finding in found] == [OK, OK, MISSING, CANNOT_TELL]
    assert found[2].optional  # runs are in the store
    assert not any("hidden" in finding.said for finding in found)
