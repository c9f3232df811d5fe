"""What doctor says of the credentials of Google Cloud."""

from pathlib import Path

import pytest

from tools.doctor import CANNOT_TELL, MISSING, OK, gcs


def test_credentials_are_looked_for_where_google_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("APPDATA", str(tmp_path))
    monkeypatch.setenv("APP_STORE", "gs://bucket/path")
    monkeypatch.delenv(gcs.VARIABLE, raising=False)

    [none] = gcs.look()
    monkeypatch.setenv(gcs.VARIABLE, str(tmp_path / "key.json"))
    [gone] = gcs.look()
    (tmp_path / "key.json").touch()
    [there] = gcs.look()

    assert (none.state, gone.state, there.state) == (CANNOT_TELL, MISSING, OK)
    assert "gcloud auth application-default login" in none.way_out


def test_a_local_store_needs_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("APP_STORE", "store")

    assert [finding.state for finding in gcs.look()] == [OK]
