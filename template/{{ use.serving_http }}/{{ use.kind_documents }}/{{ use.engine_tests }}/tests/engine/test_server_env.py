"""deploy/server.env: `deploy --check` says which secret it lacks, and its example has all names."""

import re
from pathlib import Path

import pytest

from tools.deploy import compose, handed, target

ROOT = Path(__file__).parents[2]


@pytest.fixture
def deploy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder for server.env, beside settings that name a language model."""
    text = (ROOT / "settings.toml").read_text("utf-8")
    named, count = re.subn('(?m)^llm_url = ""', 'llm_url = "https://api.example.com/v1"', text)
    assert count == 1
    (tmp_path / "settings.toml").write_text(named, "utf-8")
    monkeypatch.setattr(handed, "SETTINGS", tmp_path / "settings.toml")
    monkeypatch.setattr(compose, "DEPLOY", tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("said", "missing"),
    [
        (None, ["APP_LLM_KEY"]),
        ("APP_LLM_KEY=a-key\n", []),
        ("# APP_LLM_KEY=a-key\nAPP_LLM_KEY=\n", ["APP_LLM_KEY"]),
        ("APP_LLM_URL=\n", ["APP_LLM_KEY"]),
        ("export APP_LLM_KEY=a-key\nAPP_ENCODER_URL=http://e.example\n", ["APP_ENCODER_KEY"]),
    ],
)
def test_a_missing_secret_is_named(deploy: Path, said: str | None, missing: list[str]) -> None:
    if said is not None:
        (deploy / "server.env").write_text(said, "utf-8")

    found = target._missing()

    assert re.findall(r"(\w+) \(", found) == missing
    assert ("missing in deploy/server.env" in found) is bool(missing)
    assert "a-key" not in found


def test_the_example_has_every_name_and_no_value() -> None:
    text = (ROOT / "deploy/server.env.example").read_text("utf-8")
    names = {secret.variable for secret in handed.to_the_server()}

    assert "APP_LLM_KEY" in names
    assert names <= {*re.findall(r"(?m)^#(\w+)=$", text)}
    assert not compose.GIVEN.findall(text)
