"""Settings come from one file and the environment, and a wrong one is named."""

from pathlib import Path

import pytest

from .conftest import errors, settings


def test_the_environment_wins_over_the_file(tmp_path: Path) -> None:
    (tmp_path / "settings.toml").write_text('port = 9000\nstore = "here"\n')

    found = settings.load(tmp_path / "settings.toml", {"APP_PORT": "9001"})

    assert (found.port, found.store) == (9001, "here")


@pytest.mark.parametrize(
    ("text", "env", "message"),
    [
        ("prot = 1", {}, "unknown setting 'prot'"),
        ("", {"APP_PROT": "1"}, "unknown setting 'prot'"),
        ('port = "many"', {}, "port"),
        ("", {"APP_DEADLINE_MS": "soon"}, "deadline_ms"),
        ("port =", {}, "not valid TOML"),
        ('api_key = "s3cret"', {}, "comes from APP_API_KEY only"),
    ],
)
def test_a_wrong_setting_is_named(
    tmp_path: Path, text: str, env: dict[str, str], message: str
) -> None:
    (tmp_path / "settings.toml").write_text(text)

    with pytest.raises(errors.SettingsError) as caught:
        settings.load(tmp_path / "settings.toml", env)

    assert message in str(caught.value)
    assert "s3cret" not in str(caught.value)
