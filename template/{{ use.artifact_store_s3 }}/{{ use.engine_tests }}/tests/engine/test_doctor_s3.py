"""What doctor says of the credentials of S3."""

import os
from pathlib import Path

import pytest

from tools.doctor import CANNOT_TELL, OK, s3


def test_credentials_are_looked_for_where_s3fs_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    monkeypatch.setenv("APP_STORE", "s3://bucket/path")

    [none] = s3.look()
    (tmp_path / "credentials").touch()
    [file] = s3.look()
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "a")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "hidden")
    [variables] = s3.look()

    assert (none.state, file.state, variables.state) == (CANNOT_TELL, OK, OK)
    assert "AWS_ACCESS_KEY_ID" in none.way_out
    assert "hidden" not in variables.said


def test_a_local_store_needs_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("APP_STORE", "store")

    assert [finding.state for finding in s3.look()] == [OK]
