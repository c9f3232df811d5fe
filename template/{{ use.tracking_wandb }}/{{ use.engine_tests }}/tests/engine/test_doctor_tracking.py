"""What doctor says of Weights & Biases."""

import socket

import pytest

from engine.tracking.wandb_store import KEY
from tools.doctor import MISSING, OK, keys, tracking


def test_key_and_server_are_looked_for_once_a_server_is_named(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv(KEY, raising=False)
    monkeypatch.setenv("APP_TRACKING_URL", "")
    local = [*keys.look(), *tracking.look()]
    with socket.create_server(("127.0.0.1", 0)) as there:
        monkeypatch.setenv("APP_TRACKING_URL", f"http://127.0.0.1:{there.getsockname()[1]}")
        without = [*keys.look(), *tracking.look()]
        monkeypatch.setenv(KEY, "hidden")
        whole = [*keys.look(), *tracking.look()]

    assert [finding.state for finding in local] == [OK]
    assert [finding.state for finding in without] == [MISSING, OK]
    assert without[0].optional
    assert without[0].thing == f"secret {KEY}"
    assert [finding.state for finding in whole] == [OK, OK]
