"""The evaluation is the gate: what it measures, and that each way to get worse is caught."""

import json
import math
import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import msgspec
import pytest

from engine.commands import evaluate, index, up
from engine.contract.read import load_contract, parse_contract
from engine.core.errors import ContractError, DataError, GateFailed
from engine.core.settings import load_settings
from engine.core.storage import Storage
from engine.evaluation import build, metrics, questions
from engine.evaluation.questions import Question
from engine.evaluation.searching import lsa
from engine.registry.registry import Registry

ROOT = Path(__file__).parents[2]


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of what is the owner's, to break."""
    for name in ("contract.toml", "settings.toml", "pyproject.toml", "requirements.lock"):
        shutil.copy(ROOT / name, tmp_path)
    for name in ("corpus", "evaluation", "src/app/prompts"):
        shutil.copytree(ROOT / name, tmp_path / name)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def edit(project: Path, before: str, after: str) -> None:
    """Change a line of the contract."""
    path = project / "contract.toml"
    text = path.read_text("utf-8")
    assert before in text
    path.write_text(text.replace(before, after), encoding="utf-8")


def test_ranks_are_of_documents_and_the_best_passage_counts() -> None:
    asked = [
        Question(id="1", split="test", question="?", answerable=True, documents=("a",)),
        Question(id="2", split="test", question="?", answerable=True, documents=("b", "c")),
    ]
    found = metrics.retrieval(asked, [["x", "x", "a"], ["c", "y", "z", "w", "v", "b"]])

    assert found["hit_at_5"] == 1
    assert found["recall_at_5"] == 0.75
    assert found["mrr_at_10"] == 0.75
    ideal = 1 + 1 / math.log2(3)
    assert found["ndcg_at_10"] == pytest.approx(
        (1 / math.log2(3) + (1 + 1 / math.log2(7)) / ideal) / 2
    )
    late = metrics.retrieval(asked[:1], [[*"bcdefghijk", "a"]])
    assert {*late.values()} == {0}  # the eleventh is too late


@pytest.mark.parametrize(
    ("row", "why"),
    [
        ({"answerable": True}, "needs `documents` and `spans`"),
        ({"answerable": False, "documents": ["a"]}, "has neither"),
        ({"answerable": False, "slice": "odd"}, "`absent` or `outside`"),
        ({"answerable": False, "slice": "absent", "question": " "}, "empty"),
        ({"answerable": False, "slice": "absent", "more": 1}, "unknown field"),
    ],
)
def test_a_wrong_line_is_named(tmp_path: Path, row: dict[str, Any], why: str) -> None:
    path = tmp_path / "q.jsonl"
    path.write_text("\n" + json.dumps({"id": "1", "split": "dev", "question": "?"} | row))

    with pytest.raises(DataError, match=f"q.jsonl, line 2: .*{why}"):
        questions.load(str(path), {"a"})


def test_an_index_that_fails_a_gate_is_recorded_and_never_registered(project: Path) -> None:
    edit(project, "refused_outside = 0.95", "refused_outside = 1.0")
    edit(project, "refuse_below = 0.5", "refuse_below = 0.0")

    with pytest.raises(GateFailed, match="refused: topic there, answer not"):
        index.main(["index"])

    state = Registry(Storage(project / "store")).state()
    assert (state.versions, state.champion) == ({}, None)
    assert len(list((project / "store/runs").iterdir())) == 1


def test_without_a_question_no_encoder_is_fitted(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lsa, "fit", lambda *_: pytest.fail("nobody would see what it is worth"))
    (project / "evaluation/questions.jsonl").write_text("")

    assert index.main(["index"]) == 0

    [record] = (project / "store/runs").glob("*/run.json")
    assert build.UNASKED in record.read_text("utf-8")


def test_a_removed_document_counts_as_missed_and_blocks(project: Path) -> None:
    for name in ("membership.md", "prices.md", "booking.md", "hubs.md", "brakes.md", "app.md"):
        (project / "corpus" / name).unlink()

    with pytest.raises(GateFailed, match="hit@5"):
        index.main(["index"])


def test_the_command_of_ci_ends_with_the_code_of_a_failed_gate(project: Path) -> None:
    for name in ("membership.md", "prices.md", "booking.md", "hubs.md", "brakes.md", "app.md"):
        (project / "corpus" / name).unlink()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        env = {
            **os.environ,
            "PYTHONPATH": str(ROOT / "src"),
            "APP_PORT": f"{free.getsockname()[1]}",
        }

    # run.py hands `up --once`, which CI runs on each change, to this, and its code back
    command = [sys.executable, "-m", "engine", "up", "--once"]
    done = subprocess.run(command, cwd=project, env=env, capture_output=True, text=True)

    assert done.returncode == GateFailed.exit_code == 3
    assert "the index is not served, because it failed: hit@5" in done.stderr
    assert Registry(Storage(project / "store")).state().champion is None


def test_a_champion_is_built_once_and_again_when_the_prompt_changes(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = load_settings(env={})
    assert not up.is_current(config, load_contract())
    index.main(["index", "--promote"])
    assert up.is_current(config, load_contract())
    assert evaluate.main(["evaluate"]) == 0

    path = project / "src/app/prompts/answer.md"
    path.write_text(path.read_text("utf-8").replace("at most three", "at most two"))

    assert not up.is_current(config, load_contract())
    capsys.readouterr()
    index.main(["index"])
    assert "over the champion" in capsys.readouterr().out
    assert len(Registry(Storage(project / "store")).state().versions) == 2


def test_evaluate_ends_with_a_failed_gate_in_ci(project: Path) -> None:
    index.main(["index", "--promote"])
    edit(project, "correct = 0.55", "correct = 0.99")

    with pytest.raises(GateFailed, match="does not keep: answers that are correct") as caught:
        evaluate.main(["evaluate"])

    assert caught.value.exit_code == 3


def test_documents_that_no_question_is_about_are_served_and_said_to_be_unmeasured(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.rmtree(project / "corpus")
    (project / "corpus").mkdir()
    (project / "corpus/mine.md").write_text("# Mine\n\nThe gate closes at nine.\n")

    index.main(["index", "--promote"])

    said = capsys.readouterr()
    assert "NOT MEASURED" in said.out
    assert "asks about other documents" in said.err
    assert Registry(Storage(project / "store")).load()[0] == 1


def test_an_empty_corpus_says_what_to_do(project: Path) -> None:
    shutil.rmtree(project / "corpus")

    with pytest.raises(DataError, match=r"no document can be read.*corpus add FOLDER"):
        index.main(["index"])


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("[splitter]\nsize = 'a'", "splitter.size: Expected `int`"),
        (
            "[splitter]\nsize = 300\noverlap = 300",
            "overlap is 300; it must be 0 or more",
        ),
        ("[splitter]\noverlap = -1", "overlap is -1; it must be 0 or more"),
        ("[splitter]\nsize = 99\noverlap = 0", "size is 99; the least is 100"),
        ("[retrieval]\npassages = 30", "passages is 30; it must be 1 to"),
        ('[retrieval]\ndense = "endpoint"', "encoder_model names no model"),
        ("[answer]\nrefuse_below = 2", "it is a share: 0 to 1"),
        ("[gates]\nhit_at_5 = 90", "it is a share of questions"),
        ('[corpus]\nformats = [".xls"]', "formats has '.xls'"),
        ("[gate]", "unknown field `gate`"),
        ("[", "not valid TOML"),
    ],
)
def test_a_wrong_contract_is_named_by_place_and_rule(text: str, why: str) -> None:
    with pytest.raises(ContractError) as caught:
        parse_contract(text)

    assert why in str(caught.value)


def test_what_a_contract_says_decides_its_fingerprint_and_not_how_it_is_written() -> None:
    text = (ROOT / "contract.toml").read_text("utf-8")
    contract = parse_contract(text)

    assert parse_contract(f"# a comment\n{text}").fingerprint == contract.fingerprint
    other = msgspec.structs.replace(contract, questions="other.jsonl")
    assert other.fingerprint != contract.fingerprint
