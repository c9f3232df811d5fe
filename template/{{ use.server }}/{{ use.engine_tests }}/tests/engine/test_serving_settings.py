"""The settings of the server: numbers that are none are named, secrets stay out of files."""

from pathlib import Path

import pytest

from engine.core.errors import SettingsError
from engine.core.settings import load_settings


def test_a_number_comes_from_the_environment_too(tmp_path: Path) -> None:
    (tmp_path / "settings.toml").write_text("port = 9000\ndeadline_ms = 100.0\n")

    found = load_settings(tmp_path / "settings.toml", {"APP_PORT": "9001"})

    assert (found.port, found.deadline_ms) == (9001, 100.0)


@pytest.mark.parametrize(
    ("text", "env", "message"),
    [
        ('port = "many"', {}, "port"),
        ("", {"APP_DEADLINE_MS": "soon"}, "deadline_ms"),
        ('api_key = "s3cret"', {}, "comes from APP_API_KEY only"),
    ],
)
def test_a_wrong_setting_is_named(
    tmp_path: Path, text: str, env: dict[str, str], message: str
) -> None:
    (tmp_path / "settings.toml").write_text(text)

    with pytest.raises(SettingsError) as caught:
        load_settings(tmp_path / "settings.toml", env)

    assert message in str(caught.value)
    assert "s3cret" not in str(caught.value)
