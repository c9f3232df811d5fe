"""A port that is taken is said before the work, which would be in vain."""

import socket
from pathlib import Path

import pytest

from engine.commands import start, up
from engine.core.errors import SettingsError
from engine.core.settings import Settings

from .conftest import CONTRACTS
from .made_up import inside, project


def test_a_port_that_is_taken_ends_up_before_anything_is_trained(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as taken,
        inside(project(tmp_path / "project", CONTRACTS[0])) as folder,
    ):
        monkeypatch.setenv("APP_PORT", str(taken.getsockname()[1]))
        with pytest.raises(SettingsError, match=r"cannot be used .* APP_PORT"):
            up.main(["up", "--once"])

        assert not (folder / "store").exists()


def test_a_port_that_is_free_stays_free() -> None:
    with socket.create_server(("127.0.0.1", 0)) as found:
        port = found.getsockname()[1]

    start.check(Settings(port=port))
    start.check(Settings(port=port))
