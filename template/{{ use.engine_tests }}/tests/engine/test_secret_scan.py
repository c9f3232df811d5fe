"""Secrets in files are named by place and kind, and never printed."""

import subprocess
from pathlib import Path

import pytest

from tools import secret_scan

CHANCE = "q7Rz+V2mK0xYpL9sWd3T"
SECRETS = {  # in two parts, so that this file holds none
    "private key": "-----BEGIN OPENSSH " + "PRIVATE KEY-----",
    "AWS access key": "AKIA" + "QWERTYUIOP234567",
    "GitHub token": "ghp_" + "a1B2" * 9,
    "GitLab token": "glpat-" + "a1B2" * 5,
    "Slack token": "xoxb-" + "12345678901234567890",
    "Google API key": "AIza" + "a1B2c" * 7,
    "Hugging Face token": "hf_" + "a1" * 17,
    "package registry token": "npm_" + "a1B2" * 9,
    "API key": "sk-" + "a1B2" * 8,
    "JSON web token": "eyJ" + "hbGciOiJIUzI1.eyJzdWIiOiIxMjM0" + ".SflKxwRJSMeKKF",
    "password in an address": "postgres://me:" + "hunter22@db/x",
    "random": f'db_password = "{CHANCE}"',
    "random in YAML": f"api-key: {CHANCE}",
}
INNOCENT = """\
token = os.environ["APP_TOKEN"]
password = "${PASSWORD}"
postgres://me:$PASSWORD@db/x
    --hash=sha256:59bb03251907983d1603d27c3087ddb1e93299ea2163adcdba37899a4fb12ffb
uses: actions/checkout@9c091bb21b7c1c1d1991bb908d89e4e9dddfe3e0 # v7.0.0
token = "the-same-words-again-and-again"
"""


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository where the process stands."""
    subprocess.run(["git", "init", "--quiet", str(tmp_path)], check=True)
    (tmp_path / "notes.md").write_text(INNOCENT, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.usefixtures("project")
def test_what_is_no_secret_passes(capsys: pytest.CaptureFixture[str]) -> None:
    assert secret_scan.main([]) == 0
    assert not capsys.readouterr().out


@pytest.mark.parametrize("kind", SECRETS)
def test_a_secret_is_named_by_its_place(
    project: Path, capsys: pytest.CaptureFixture[str], kind: str
) -> None:
    (project / "a b.py").write_text(f"x = 1\n{SECRETS[kind]}\n", encoding="utf-8")

    assert secret_scan.main([]) == 1
    assert secret_scan.main(["notes.md"]) == 0
    said = capsys.readouterr().out
    assert f"a b.py:2: {'a value that looks' if 'random' in kind else kind}" in said
    assert SECRETS[kind] not in said


def test_a_line_may_say_that_it_is_none(project: Path) -> None:
    (project / "a.py").write_text(f"{SECRETS['GitHub token']}  # not a secret\n", "utf-8")

    assert secret_scan.main([]) == 0


def test_what_git_ignores_and_what_is_no_text_is_no_trouble(project: Path) -> None:
    (project / ".gitignore").write_text(".env\n", encoding="utf-8")
    (project / ".env").write_text(SECRETS["GitHub token"], encoding="utf-8")
    (project / "model.onnx").write_bytes(bytes(range(256)) * 100)

    assert secret_scan.main([]) == 0
    assert secret_scan.main([".env"]) == 1
