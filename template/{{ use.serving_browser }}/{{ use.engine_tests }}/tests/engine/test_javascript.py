"""The app's JavaScript is typed, formatted and tested; its packages are locked."""

import json

import pytest

from engine.commands import npm
from engine.edge import packages

from . import edge_app

LOCK = json.loads((edge_app.WEB / "package-lock.json").read_text(encoding="utf-8"))["packages"]


@pytest.mark.parametrize("script", ["types", "format", "test"])
def test_the_scripts_of_the_app_pass(script: str) -> None:
    packages.install(edge_app.WEB, tools=True)

    done = packages.npm(edge_app.WEB, "run", script, quietly=True)

    assert done.returncode == 0, (done.stdout + done.stderr)[-4000:]


def test_every_package_is_locked_with_its_hash_and_without_an_address() -> None:
    locked = {name: row for name, row in LOCK.items() if name}

    assert "node_modules/onnxruntime-web" in locked
    for name, row in locked.items():
        assert row["integrity"].startswith("sha512-"), name
        assert "resolved" not in row, name


def test_only_the_runtime_goes_into_the_app() -> None:
    assert list(LOCK[""]["dependencies"]) == ["onnxruntime-web"]


def test_npm_hands_on_its_exit_code(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packages, "WEB", edge_app.WEB)

    assert npm.main(["npm", "--version"]) == 0
    assert npm.main(["npm", "no-such-command"]) != 0
