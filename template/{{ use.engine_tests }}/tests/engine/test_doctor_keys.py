"""What doctor says of secrets: which one is missing, and never what it is."""

from pathlib import Path

import pytest

from tools import doctor
from tools.doctor import MISSING, OK, keys

TABLE = """
[tool.run.secrets]
APP_A_KEY = { opens = "a service", setting = "a_url", jobs = ["serve"] }
B_TOKEN = { opens = "another", setting = "B_PLACE", jobs = ["train"] }
APP_C_KEY = { opens = "this server", jobs = ["serve"] }
"""


@pytest.fixture(autouse=True)
def _alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A project with three secrets, in an environment that has none."""
    (tmp_path / "pyproject.toml").write_text(TABLE, "utf-8")
    for module in (doctor, keys):
        monkeypatch.setattr(module, "ROOT", tmp_path)
    for name in ("APP_A_KEY", "APP_A_URL", "B_TOKEN", "B_PLACE", "APP_C_KEY"):
        monkeypatch.delenv(name, raising=False)


def test_a_secret_is_missed_once_its_setting_is_filled(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert [*keys.look()] == []
    (tmp_path / "settings.toml").write_text('a_url = "https://a.example"\n', "utf-8")
    monkeypatch.setenv("B_PLACE", "http://b.example:4318")

    found = [*keys.look()]

    assert [(f.state, f.thing) for f in found] == [
        (MISSING, "secret APP_A_KEY"),
        (MISSING, "secret B_TOKEN"),
    ]
    assert "a_url is set" in found[0].said
    assert found[0].way_out.startswith("APP_A_KEY=")
    assert all(finding.optional for finding in found)  # it may want none


def test_a_secret_that_is_there_is_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("APP_A_URL", "https://a.example")
    monkeypatch.setenv("APP_A_KEY", "hidden")

    [found] = keys.look()

    assert (found.state, found.thing) == (OK, "secret APP_A_KEY")
    assert "hidden" not in str(found)


def test_an_address_that_holds_its_password_asks_for_no_secret(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for url, is_asked in (
        ("postgresql://me:pw@db.example/rows", False),  # not a secret
        ("postgresql://me@db.example/rows", True),
        ("https://db.example/a:b@c", True),
    ):
        monkeypatch.setenv("APP_A_URL", url)
        assert bool([*keys.look()]) is is_asked, url
