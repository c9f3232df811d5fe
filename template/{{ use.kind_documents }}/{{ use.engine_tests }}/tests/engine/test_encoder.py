"""Vectors: the encoder of the corpus, exact search, fusion, and an encoder behind an endpoint."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from engine.contract.read import parse_contract
from engine.contract.schema import Retrieval
from engine.core.errors import RunError
from engine.core.settings import Settings
from engine.evaluation.measure import encoded
from engine.evaluation.searching import lsa
from engine.retrieval import dense, lexical
from engine.retrieval.dense import Exact, unit
from engine.retrieval.index import INDEX, Index, fused
from engine.retrieval.split import spans
from engine.retrieval.words import Stemmer

from . import small_bundle
from .stand_in import encoded_by, encodes, playing, sends
from .test_endpoint import ask, stored

ENCODED = """
[retrieval]
dense = "endpoint"
encoder_model = "small-encoder"
"""


def vector(text: str) -> list[float]:
    """Cats point one way, tea another, trains a third."""
    return [float(text.lower().count(word)) + 0.01 for word in ("cat", "tea", "train")]


def built() -> dict[str, bytes]:
    """The index file of the small documents."""
    made = small_bundle.documents()
    return {INDEX: lexical.build(made, {d.name: spans(d.text, 1000, 200) for d in made})}


def test_the_encoder_of_a_corpus_is_the_same_bit_for_bit_and_agrees_with_itself() -> None:
    texts = Index(built(), Retrieval()).lexical.texts() * 4
    first, second = lsa.fit(texts, 8), lsa.fit(texts, 8)

    encoder = dense.lsa(first, Stemmer())
    assert first == second
    assert encoder
    for text, row in zip(texts, dense.loaded(first[dense.VECTORS]), strict=True):
        assert encoder.encode(text) == pytest.approx(row, abs=1e-4)
    assert not encoder.encode("qwxyz").any()


def test_a_corpus_too_small_for_an_encoder_has_none() -> None:
    assert lsa.fit(["one text"], 100) == {}


def test_exact_search_finds_what_sorting_all_finds() -> None:
    random = np.random.default_rng(7)
    rows = unit(random.normal(size=(500, 16)))
    for question in unit(random.normal(size=(20, 16))):
        found = Exact(rows).search(question, 20)
        expected = np.argsort(-(rows @ question), kind="stable")[:20] + 1
        assert [row for row, _ in found] == expected.tolist()


def test_fusion_puts_first_what_stands_high_in_both_and_breaks_ties_by_number() -> None:
    assert fused([[1, 2, 3], [3, 2, 9]], 60) == [3, 2, 1, 9]
    assert fused([[2], [1]], 60) == [1, 2]
    assert fused([[], []], 60) == []


def test_a_question_is_encoded_where_the_corpus_was_and_words_remain_when_that_fails(
    tmp_path: Path,
) -> None:
    rows = unit(np.array([vector(text) for text in small_bundle.TEXTS.values()]))
    files = {dense.VECTORS: dense.dumped(rows)}
    store = stored(tmp_path, ENCODED, files=files)

    with playing(encodes(vector)) as server:
        [near] = ask(store, "When does the night train leave?", llm_url=server.url)
    [without] = ask(store, "When does the night train leave?", llm_url="http://127.0.0.1:9/v1")

    assert near["citations"][0]["document"] == without["citations"][0]["document"] == "trains.txt"
    assert near["search"]["cosine"] > 0.9
    assert (near["fallback"], without["fallback"]) == (False, True)
    assert "cosine" not in without["search"]


@pytest.mark.parametrize(
    "step",
    [
        sends(401, {}),
        sends(200, {"data": []}),
        sends(200, b"no"),
        sends(200, {"data": [{"index": 0, "embedding": [1.0]}, {"index": 1, "embedding": []}]}),
    ],
)
def test_an_encoder_that_gives_no_vectors_ends_the_build_with_a_sentence(step: Any) -> None:
    with playing(step) as server:
        settings = Settings(llm_url=server.url, llm_attempts=1)
        with pytest.raises(RunError, match=r"'small-encoder' gave no vectors: .*settings.toml"):
            encoded(["one", "two"], "small-encoder", settings)


@pytest.mark.parametrize("server", ["vllm", "tei", "infinity"])
def test_a_server_of_sentence_encoders_is_asked_as_it_takes_it(server: str) -> None:
    texts = [f"cat {number} and tea" for number in range(100)]
    with playing(encoded_by(server, "small-encoder", vector)) as there:
        settings = Settings(encoder_url=there.url, llm_url="http://127.0.0.1:9/v1")
        rows = encoded(texts, "small-encoder", settings)

    assert rows.shape == (100, 3)
    assert np.linalg.norm(rows, axis=1) == pytest.approx(np.ones(100))
    assert [len(each["input"]) for each in there.asked] == [32, 32, 32, 4]
    assert {each["path"] for each in there.asked} == {"/v1/embeddings"}


def test_an_encoder_elsewhere_is_sent_its_own_key_and_no_other() -> None:
    with playing(encoded_by("tei", "small-encoder", vector)) as there:
        both = {"llm_key": "of the model", "encoder_key": "of the encoder"}
        for more, sent in (
            ({"encoder_url": there.url, "llm_url": "http://127.0.0.1:9/v1"}, "of the encoder"),
            ({"llm_url": there.url}, "of the model"),
        ):
            encoded(["one"], "small-encoder", Settings(**both, **more))
            assert there.keys[-1] == f"Bearer {sent}"
        encoded(["one"], "small-encoder", Settings(encoder_url=there.url, llm_key="of the model"))
        assert there.keys[-1] == ""


def test_an_encoder_under_another_name_is_named() -> None:
    step, said = encoded_by("vllm", "small-encoder", vector), "'other' gave no vectors: .* 404"
    with playing(step) as there, pytest.raises(RunError, match=said):
        encoded(["one"], "other", Settings(encoder_url=there.url))


def test_the_contract_wants_the_name_of_an_encoder() -> None:
    assert parse_contract(ENCODED).retrieval.encoder_model == "small-encoder"
