"""`deploy --check` takes the language model's files as they are, and finds what does not agree."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tools.deploy import __main__ as verb
from tools.deploy import target
from tools.deploy.beside import engine, language_model, placed

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/runbook-language-model.md").read_text("utf-8")
IT = placed.found()


def found() -> list[str]:
    return verb.look(language_model.checks())


def without(name: str) -> list[str]:
    return [each for each in IT.arguments if not each.startswith(name)]


def test_nothing_is_wrong_with_the_files_as_they_are() -> None:
    assert verb.look(verb.checks()) == []
    assert {check.what for check in language_model.checks()} <= {c.what for c in verb.checks()}


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"arguments": [*IT.arguments, "--max-modl-len=1"]}, "--max-modl-len is no argument of"),
        ({"arguments": without(engine.PORT)}, f"{engine.PORT} is missing"),
        ({"arguments": [*without("--revision"), "--revision=main"]}, "40 digits of a commit"),
        ({"arguments": [*without(engine.TOKENS), f"{engine.TOKENS}=4000"]}, "ask for 4500"),
        ({"gpus": IT.gpus + 1}, f"but it gets {IT.gpus + 1} GPUs"),
        ({"image": "engine:latest"}, "must end in @sha256:"),
        ({"shared_memory": False}, "no shared memory"),
        ({"kept": ["/tmp"]}, "each start would download the model again"),
        ({"probes": {"readinessProbe": "/healthz"}}, f"answers {engine.HEALTH}"),
        ({"port": 8080}, "but the container is asked at 8080"),
        ({"asked": ["http://elsewhere:8000/v1"]}, "APP_LLM_URL is http://elsewhere:8000/v1"),
        ({"asked": [f"http://{IT.host}:{IT.port}"]}, "it answers at"),
        ({"asked": []}, "nobody asks it"),
        ({"scraped": set()}, f"nobody reads {engine.METRICS}"),
    ],
)
def test_what_does_not_agree_is_found(
    monkeypatch: pytest.MonkeyPatch, changed: dict[str, Any], said: str
) -> None:
    monkeypatch.setattr(placed, "found", lambda: IT._replace(**changed))

    faults = found()

    assert any(said in fault for fault in faults), faults


@pytest.mark.parametrize("name", ["", "another-model"])
def test_the_name_in_the_contract_is_the_one_it_serves(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    contract = tmp_path / "contract.toml"
    contract.write_text(f'[answer]\nmodel = "{name}"\n', "utf-8")
    monkeypatch.setattr(language_model, "CONTRACT", contract)

    said = " ".join(check.what for check in language_model.checks())

    # an engine that reads no name answers to any: the runbook says so
    assert bool(found()) is bool(name and engine.MODEL_NAME)
    assert ("nobody asks before" in said) is not name
    assert engine.MODEL_NAME or "reads no name of a model" in PAGE


@pytest.fixture
def change(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str, str], int]:
    """Change a copy of deploy/ wherever a text stands in it; how often it did."""
    copy = tmp_path / "deploy"
    shutil.copytree(ROOT / "deploy", copy)
    for module in (target, getattr(placed, "compose", target)):
        for name, value in vars(module).copy().items():
            if isinstance(value, Path) and value.is_relative_to(ROOT / "deploy"):
                monkeypatch.setattr(module, name, copy / value.relative_to(ROOT / "deploy"))

    def change(old: str, new: str) -> int:
        many = 0
        for path in copy.rglob("*.y*ml"):
            text = path.read_text("utf-8")
            many += text.count(old)
            path.write_text(text.replace(old, new), "utf-8")
        return many

    return change


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("--port=8000", "--prot=8000", "--prot is no argument"),
        ("/health", "/healthy", "asks /healthy"),
        ("language-model:8000/v1", "language-modl:8000/v1", "APP_LLM_URL is"),
        ("-models:8000/v1", "-modls:8000/v1", "APP_LLM_URL is"),
        ("/models/huggingface", "/huggingface", "HF_HOME is /huggingface"),
    ],
)
def test_a_change_in_the_files_is_seen(
    change: Callable[[str, str], int], old: str, new: str, said: str
) -> None:
    if not change(old, new):  # only one of the platforms has it
        assert old in ("language-model:8000/v1", "-models:8000/v1")
        return

    assert any(said in fault for fault in found())


def test_the_page_says_what_the_files_say() -> None:
    given = language_model.given()

    assert f"{int(given[engine.TOKENS]):,} tokens" in PAGE
    assert f"{IT.gpus or 'a CPU'}" in PAGE.split("\n")[2].replace("one GPU", "1 GPU")
    assert given["--revision"] in PAGE
