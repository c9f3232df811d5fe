"""The image agrees with the rest of the repository; building it needs Docker, so no test does."""

import json
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

from engine.core.settings import load_settings

from .batch_jobs import SRC

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "deploy" / "Dockerfile").read_text(encoding="utf-8").replace("\\\n", " ")
LOCK = (ROOT / "requirements-serve.lock").read_text(encoding="utf-8")
IMAGE = """
import importlib, importlib.metadata, sys

owners, locked = importlib.metadata.packages_distributions(), set(sys.argv[1:])

class Image:
    def find_spec(self, name, path=None, target=None):
        found = owners.get(name.partition(".")[0], [])
        if found and not locked & {owner.lower().replace("_", "-") for owner in found}:
            raise ModuleNotFoundError(name)

sys.meta_path.insert(0, Image())
for module in ("batch", "outcomes", "registry", "start"):
    importlib.import_module(f"engine.commands.{module}")
"""


def test_it_starts_a_verb_and_ends_without_root() -> None:
    [entry] = re.findall(r"^ENTRYPOINT (\[.*\])$", TEXT, re.MULTILINE)
    [command] = re.findall(r"^CMD (\[.*\])$", TEXT, re.MULTILINE)
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))

    assert json.loads(entry) == ["python", "-m", "engine"]
    assert json.loads(command)[0] in project["tool"]["run"]["verbs"]
    assert re.findall(r"^USER (.*)$", TEXT, re.MULTILINE) == ["10001"]


def test_its_settings_are_settings() -> None:
    env = dict(re.findall(r"(APP_\w+)=(\S+)", TEXT))

    found = load_settings(ROOT / "settings.toml", env)

    assert found.output == "/data/predictions"


def test_what_it_copies_is_there_and_not_ignored() -> None:
    ignored = (ROOT / ".dockerignore").read_text(encoding="utf-8").split()
    sources = [
        source
        for line in re.findall(r"^COPY (?!--from)(.*) \S+$", TEXT, re.MULTILINE)
        for source in line.split()
    ]

    assert len(sources) == 4
    for source in sources:
        assert (ROOT / source).exists()
        assert f"!{source}" in ignored
    assert ignored[0] == "*"


def test_a_batch_needs_no_package_that_the_image_has_not() -> None:
    locked = [name.lower().replace("_", "-") for name in re.findall(r"^([\w.-]+)==", LOCK, re.M)]
    env = {**os.environ, "PYTHONPATH": str(SRC)}

    def run(names: list[str]) -> "subprocess.CompletedProcess[str]":
        command = [sys.executable, "-c", IMAGE, *names]
        return subprocess.run(command, capture_output=True, text=True, env=env, timeout=120)

    assert run(locked).returncode == 0, run(locked).stderr
    assert "ModuleNotFoundError: onnx" in run([n for n in locked if n != "onnx"]).stderr
