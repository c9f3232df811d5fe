"""The image builds what is published only as source with what is locked."""

import re
import subprocess
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "deploy" / "Dockerfile").read_text(encoding="utf-8")
LOCK = ROOT / "requirements-serve.lock"


def test_nothing_else_is_built() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))

    assert re.findall(r"--no-binary=(\S+)", TEXT) == [
        ",".join(project["tool"]["uv"]["no-build-isolation-package"])
    ]


def test_what_builds_it_comes_out_of_the_lock_with_its_hashes() -> None:
    [script] = re.findall(r"awk '(.+?)' requirements-serve\.lock", TEXT)

    found = subprocess.run(["awk", script, str(LOCK)], capture_output=True, text=True, check=True)

    assert re.fullmatch(r"setuptools==\S+( \\\n    --hash=sha256:[0-9a-f]{64})+\n", found.stdout)
    assert found.stdout in LOCK.read_text(encoding="utf-8")
