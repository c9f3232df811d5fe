"""A cross-encoder from a folder: its scores, its name, what it is worth, and what is wrong."""

import asyncio
from pathlib import Path

import msgspec
import pytest

from engine.contract.schema import Retrieval
from engine.core.errors import ContractError, SettingsError
from engine.core.settings import Settings
from engine.evaluation import inputs, reproduce
from engine.retrieval import rerank
from engine.retrieval.lexical import Passage
from engine.retrieval.rerank import RERANKER, RerankError, reranker

from . import small_encoder, two_documents
from .small_encoder import expected
from .test_endpoint import ask, stored

GOOD = {"hours": 3.0, "cat": 0.25, "sleep": -0.125}  # hours answer "how long"
BAD = {"long": 3.0}  # so does a text that only repeats the question
ONE = "[retrieval]\npassages = 1\n[answer]\nrefuse_below = 0.1\n"
QUESTION = "How many hours does a cat sleep?"


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Settings that name a folder for the cross-encoder, which is not there yet."""
    return Settings(rerank_folder=str(tmp_path / "model"))


def passages(*texts: str) -> list[Passage]:
    """Passages without anything above them."""
    return [Passage(n, f"{n}", "", "", 0, len(t), t, "") for n, t in enumerate(texts)]


def scores(settings: Settings, question: str, *texts: str, seconds: float = 60) -> list[float]:
    """What the cross-encoder gives."""
    found = reranker.opened(settings, Retrieval())
    return asyncio.run(found.rerank(question, passages(*texts), seconds))


@pytest.mark.parametrize("outputs", [1, 2])
def test_the_scores_are_those_of_the_model(settings: Settings, outputs: int) -> None:
    small_encoder.make(Path(settings.rerank_folder), GOOD, outputs=outputs)
    texts = [f"{'cat ' * n}sleeps 14 hours, it may sleep" for n in range(13)]

    found = scores(settings, QUESTION, *texts)

    assert found == pytest.approx([expected(QUESTION, text, GOOD) for text in texts])
    assert len(set(found)) == 13


def test_long_texts_are_cut_and_none_is_an_error(settings: Settings) -> None:
    small_encoder.make(Path(settings.rerank_folder), GOOD)
    many = "cat " * 900

    assert scores(settings, "hours?", many) == pytest.approx([-1.5 + (512 - 5) * 0.25])
    assert len(scores(settings, many, many, "short")) == 2


def test_time_is_a_limit(settings: Settings) -> None:
    small_encoder.make(Path(settings.rerank_folder), GOOD)

    with pytest.raises(RerankError, match="scored 0 of 2 in the time there is"):
        scores(settings, QUESTION, "a", "b", seconds=0)


@pytest.mark.parametrize(
    ("outputs", "also", "why"), [(3, "", "3 values"), (1, "pixel_values", "wants pixel_values")]
)
def test_another_model_is_refused(settings: Settings, outputs: int, also: str, why: str) -> None:
    small_encoder.make(Path(settings.rerank_folder), GOOD, outputs=outputs, also=also)

    with pytest.raises(SettingsError, match=f"{why}.*docs/rerank.md"):
        reranker.opened(settings, Retrieval())


@pytest.mark.parametrize("file", ["model.onnx", "tokenizer.json"])
def test_a_broken_file_ends_a_build_with_a_sentence(settings: Settings, file: str) -> None:
    small_encoder.make(Path(settings.rerank_folder), GOOD)
    (Path(settings.rerank_folder) / file).write_bytes(b"broken")

    with pytest.raises(SettingsError, match="cannot be loaded"):
        rerank.wanted(settings, Retrieval())


def test_without_a_model_a_build_says_what_to_do_and_goes_on_unless_it_must_not(
    settings: Settings, tmp_path: Path
) -> None:
    record, bundle = two_documents.built(tmp_path, settings)

    [said] = [warning for warning in record.warnings if "reranker" in warning]
    assert "model.onnx is missing; put model.onnx and tokenizer.json" in said
    assert not (bundle / RERANKER).exists()
    with pytest.raises(ContractError, match=r'is "always", but .*model\.onnx is missing; put'):
        rerank.wanted(settings, Retrieval(rerank="always"))


@pytest.mark.parametrize(
    ("weights", "more", "hit"),
    [
        (GOOD, "", True),
        (BAD, "", False),
        (BAD, 'rerank = "always"', True),
        (GOOD, 'rerank = "none"', False),
    ],
)
def test_a_version_reranks_where_the_dev_questions_fare_better(
    settings: Settings, tmp_path: Path, weights: dict[str, float], more: str, hit: bool
) -> None:
    small_encoder.make(Path(settings.rerank_folder), weights)

    record, bundle = two_documents.built(tmp_path, settings, more)

    found, name = record.metrics, reranker.name(settings, Retrieval())
    assert (bundle / RERANKER).exists() is hit
    if "none" in more:
        assert not [key for key in found if key.startswith("reranked.")]
        return
    assert found["bm25.dev.mrr_at_10"] == 0.5  # words alone put the decoy first
    assert found["reranked.dev.mrr_at_10"] == (1.0 if weights is GOOD else 0.5)
    best = "reranked" if hit else "bm25"
    assert found["search.test.ndcg_at_10"] == found[f"{best}.test.ndcg_at_10"]
    assert found["reranked.p99_ms"] > 0
    assert f"{'Reranked' if hit else 'Not reranked'} by {name}: " in record.choice
    assert not hit or (bundle / RERANKER).read_text("utf-8") == name


def test_other_weights_are_another_version(settings: Settings, tmp_path: Path) -> None:
    folder = Path(settings.rerank_folder)
    small_encoder.make(folder, GOOD)
    before = reranker.name(settings, Retrieval())
    record, _ = two_documents.built(tmp_path, settings)
    terms, _ = two_documents.contract(tmp_path)
    now = inputs.current_inputs(terms, two_documents.corpus(), settings)
    assert now.reranker == record.inputs.reranker == before

    small_encoder.make(folder, GOOD | {"hours": 4.0})

    then = inputs.current_inputs(terms, two_documents.corpus(), settings)
    assert then.reranker != before
    assert msgspec.structs.replace(then, reranker=before) == now
    assert reproduce.WHAT["reranker"].startswith("the reranker (another model, other weights")


def test_answers_come_in_the_order_of_the_model(settings: Settings, tmp_path: Path) -> None:
    small_encoder.make(Path(settings.rerank_folder), {"hours": 3.0})
    files = {RERANKER: reranker.name(settings, Retrieval()).encode()}
    store = stored(tmp_path, ONE, texts=two_documents.TEXTS, files=files)

    [answer] = ask(store, two_documents.QUESTION, rerank_folder=settings.rerank_folder)

    assert answer["citations"][0]["document"] == two_documents.RIGHT
    assert answer["fallback"] is False


@pytest.mark.parametrize(
    ("weights", "why"), [(GOOD, "was measured with cross-encoder sha256:"), (None, "is missing")]
)
def test_another_model_or_none_keeps_the_order_of_the_search_and_marks_it(
    settings: Settings, tmp_path: Path, weights: dict[str, float] | None, why: str
) -> None:
    if weights:
        small_encoder.make(Path(settings.rerank_folder), weights)
    files = {RERANKER: b"cross-encoder sha256:other"}
    store = stored(tmp_path, ONE, texts=two_documents.TEXTS, files=files)

    [answer] = ask(store, two_documents.QUESTION, rerank_folder=settings.rerank_folder)

    assert answer["citations"][0]["document"] == two_documents.DECOY
    assert answer["fallback"] is True
    assert answer["fallback_reason"].startswith("the reranker: ")
    assert why in answer["fallback_reason"]
