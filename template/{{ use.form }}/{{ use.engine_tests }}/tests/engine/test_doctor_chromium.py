"""What doctor says of Chromium."""

from pathlib import Path

import pytest

from tools.doctor import MISSING, OK, chromium


def test_a_browser_is_looked_for_by_its_usual_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chromium, "PLACES", ())
    monkeypatch.setenv("PATH", str(tmp_path))
    [away] = chromium.look()
    (tmp_path / "google-chrome").touch(0o755)
    [there] = chromium.look()

    assert (away.state, away.optional) == (MISSING, True)
    assert (there.state, there.said) == (OK, str(tmp_path / "google-chrome"))
