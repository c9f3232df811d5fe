"""The image agrees with the rest of the repository; building it needs Docker, so no test does."""

import json
import os
import re
import subprocess
import sys
from fnmatch import fnmatch
from pathlib import Path

import pytest

from engine.core.settings import load_settings

from .conftest import CONTRACTS
from .http_server import SRC, in_process

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "deploy" / "Dockerfile").read_text(encoding="utf-8").replace("\\\n", " ")
LOCK = (ROOT / "requirements-serve.lock").read_text(encoding="utf-8")
IMAGE = """
import importlib.metadata, sys

owners, locked = importlib.metadata.packages_distributions(), set(sys.argv[1:])

class Image:
    def find_spec(self, name, path=None, target=None):
        found = owners.get(name.partition(".")[0], [])
        if found and not locked & {owner.lower().replace("_", "-") for owner in found}:
            raise ModuleNotFoundError(name)

sys.meta_path.insert(0, Image())
for module in ("serve", "predict", "registry"):
    __import__(f"engine.commands.{module}")
"""


def commands(keyword: str) -> list[list[str]]:
    return [json.loads(found) for found in re.findall(rf"{keyword} (\[.*\])$", TEXT, re.MULTILINE)]


def test_it_starts_the_verb_serve_and_ends_without_root() -> None:
    assert commands("^CMD") == [["python", "-m", "engine", "serve"]]
    assert re.findall(r"^USER (.*)$", TEXT, re.MULTILINE) == ["10001"]
    assert TEXT.count("\nFROM ") == 2


def test_its_settings_are_settings() -> None:
    env = dict(re.findall(r"(APP_\w+)=(\S+)", TEXT))

    found = load_settings(ROOT / "settings.toml", env)

    assert (found.host, found.port) == ("0.0.0.0", 8000)
    assert f"EXPOSE {found.port}" in TEXT


def test_what_it_copies_is_there_and_not_ignored() -> None:
    ignored = (ROOT / ".dockerignore").read_text(encoding="utf-8").split()
    sources = re.findall(r"^COPY (?!--from)(\S+) ", TEXT, re.MULTILINE)

    assert len(sources) == 4
    for source in sources:
        assert (ROOT / source).exists()
        assert f"!{source}" in ignored
    assert ignored[0] == "*"
    assert not any(fnmatch(".env", kept[1:]) for kept in ignored if kept.startswith("!"))


def test_serving_needs_no_package_that_the_image_has_not() -> None:
    locked = [name.lower().replace("_", "-") for name in re.findall(r"^([\w.-]+)==", LOCK, re.M)]
    env = {**os.environ, "PYTHONPATH": str(SRC)}

    def run(names: list[str]) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-c", IMAGE, *names]
        return subprocess.run(command, capture_output=True, text=True, env=env, timeout=60)

    assert run(locked).returncode == 0, run(locked).stderr
    assert "ModuleNotFoundError: uvicorn" in run([n for n in locked if n != "uvicorn"]).stderr


@pytest.mark.parametrize("contract_file", CONTRACTS[:1], indirect=True, ids=["own"])
@pytest.mark.parametrize("store", ["store", "nothing"])
def test_the_health_check_tells_ready_from_not_ready(trained: Path, store: str) -> None:
    [probe] = commands("HEALTHCHECK .*?CMD")
    assert probe[0] == "python"
    with in_process(trained, store=store, prediction_log="") as (url, _):
        env = {**os.environ, "APP_PORT": url.rpartition(":")[2]}
        done = subprocess.run(
            [sys.executable, *probe[1:]], env=env, capture_output=True, timeout=30
        )

    assert (done.returncode == 0) == (store == "store")
