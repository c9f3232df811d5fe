"""What doctor says of the database."""

import socket
from pathlib import Path

import pytest

from tools.doctor import MISSING, OK, postgres


def test_the_address_has_to_be_set_and_its_server_to_answer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgres, "ROOT", tmp_path)
    monkeypatch.delenv("ROWS_URL", raising=False)
    (tmp_path / "contract.toml").write_text('[dataset]\nsource = "data/rows.csv"\n')
    [unused] = postgres.look()
    (tmp_path / "contract.toml").write_text('[dataset]\nsource = "env:ROWS_URL"\n')
    [unset] = postgres.look()
    with socket.create_server(("127.0.0.1", 0)) as there:
        port = there.getsockname()[1]
        address = f"postgresql://me:hidden@127.0.0.1:{port}/rows"  # not a secret
        monkeypatch.setenv("ROWS_URL", address)
        [answers] = postgres.look()
    [silent] = postgres.look()

    assert [f.state for f in (unused, unset, answers, silent)] == [OK, MISSING, OK, MISSING]
    assert unset.said == "ROWS_URL is not set"
    assert "hidden" not in answers.said + silent.said
