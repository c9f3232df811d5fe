"""Settings come from one file and the environment, and a wrong one is named."""

from pathlib import Path

import pytest

from engine.core.errors import SettingsError
from engine.core.settings import load_settings


def test_the_environment_wins_over_the_file(tmp_path: Path) -> None:
    (tmp_path / "settings.toml").write_text('log_level = "error"\nstore = "here"\n')

    found = load_settings(tmp_path / "settings.toml", {"APP_LOG_LEVEL": "debug"})

    assert (found.log_level, found.store) == ("debug", "here")


@pytest.mark.parametrize(
    ("text", "env", "message"),
    [
        ("stor = 1", {}, "unknown setting 'stor'"),
        ("", {"APP_STOR": "1"}, "unknown setting 'stor'"),
        ("store = 1", {}, "store"),
        ("store =", {}, "not valid TOML"),
    ],
)
def test_a_wrong_setting_is_named(
    tmp_path: Path, text: str, env: dict[str, str], message: str
) -> None:
    (tmp_path / "settings.toml").write_text(text)

    with pytest.raises(SettingsError) as caught:
        load_settings(tmp_path / "settings.toml", env)

    assert message in str(caught.value)
