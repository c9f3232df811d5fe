"""A secret is handed to the service where the stage says its version, and to nobody else."""

import re
import shutil
from pathlib import Path
from typing import Any

import pytest

from tools.deploy import handed, stages, target

PROJECT = Path(__file__).parents[2]
OTHERS = {secret.variable for secret in handed.to_the_server() if secret.setting}


@pytest.fixture
def copied(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The stages, to be changed."""
    shutil.copytree(PROJECT / "deploy" / "cloud-run", tmp_path / "cloud-run")
    monkeypatch.setattr(stages, "FOLDER", tmp_path / "cloud-run")
    return tmp_path / "cloud-run" / "stages.yaml"


def change(path: Path, old: str, new: str) -> None:
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), "utf-8")  # of staging


def handed_on(stage: str, *, whole: bool = False) -> dict[str, Any]:
    [container] = stages.service(stage, whole=whole)["spec"]["template"]["spec"]["containers"]
    return {each["name"]: each.get("valueFrom") for each in container["env"]}


def found() -> list[str]:
    return [fault for check in target.checks() for fault in check.look()]


def test_only_what_a_stage_has_is_asked_of_the_platform(copied: Path) -> None:
    change(copied, "llm_key: 0", "llm_key: 3")

    assert OTHERS & {*handed_on("staging")} == {"APP_LLM_KEY"}
    reference = handed_on("staging")["APP_LLM_KEY"]["secretKeyRef"]
    assert reference["name"].endswith("-llm-key")
    assert reference["key"] == "3"
    assert not OTHERS & {*handed_on("prod")}
    assert {*handed_on("prod", whole=True)} >= OTHERS
    assert "APP_API_KEY" in handed_on("prod")
    assert found() == []


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("llm_key: 0", "lm_key: 0", "'llm_key_version' is no value of a stage"),
        ("llm_key: 0", "llm_key: 0, more_key: 1", "staging.secrets: more_key is none of"),
        ("llm_key: 0", "llm_key: -1", "a version is 1 or more, or 0"),
        ("llm_key: 0", "llm_key: latest", "Expected `int`, got `str`"),
    ],
)
def test_a_wrong_version_is_named(copied: Path, old: str, new: str, said: str) -> None:
    change(copied, old, new)

    assert any(said in fault for fault in found()), found()


def test_a_secret_that_the_settings_ask_for_is_missed(
    copied: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = (PROJECT / "settings.toml").read_text("utf-8")
    named = re.sub('(?m)^llm_url = ""', 'llm_url = "https://api.example.com/v1"', text)
    (tmp_path / "settings.toml").write_text(named, "utf-8")
    monkeypatch.setattr(handed, "SETTINGS", tmp_path / "settings.toml")

    assert "secret APP_LLM_KEY (llm_url is set)" in target._missing()
    text = copied.read_text("utf-8")
    copied.write_text(text.replace("llm_key: 0", "llm_key: 1"), "utf-8")
    assert target._missing() == ""
