"""Answers that are kept: for which questions, for how long, and what empties them."""

import asyncio
import time
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest

from engine.answering.cache import Cache
from engine.answering.grounds import Claim, Quoted
from engine.core.errors import SettingsError
from engine.core.settings import Settings, load_settings
from engine.core.storage import Storage
from engine.evaluation.searching import lsa
from engine.registry.registry import Registry
from engine.retrieval.dense import Vectors
from engine.retrieval.index import Found
from engine.retrieval.lexical import Passage
from engine.serving.http.app import App

from . import small_bundle
from .stand_in import Step, claims, playing, sends
from .test_endpoint import CONTRACT, GOOD, QUESTION, QUOTE, stored

Json = dict[str, Any]
CLAIM = Claim("It sleeps.", refused=False, citations=[Quoted(1, QUOTE)])
REFUSAL = Claim("", refused=True, citations=[])
PASSAGES = [Passage(n, f"{n}.md", "", "", 0, 1, "x", "") for n in range(3)]
REFUSES = claims("", refused=True)


def cache(**more: Any) -> Cache:
    """A cache for ten answers, a minute each, of the same question."""
    usual: Json = {"seconds": 60, "refused_seconds": 5, "cosine": 1.0, "hashed": False}
    return Cache(more.pop("most", 10), **usual | more)


def found(first: int = 0) -> Found:
    """A search that found a passage first."""
    return Found([PASSAGES[first]], 1.0, None)


def vector(*values: float) -> Vectors:
    """A vector of unit length."""
    made = np.asarray(values, np.float32)
    return np.asarray(made / np.linalg.norm(made), np.float32)


def ask(store: str, questions: list[str], step: Step, between: Any = None, **settings: Any) -> Any:
    """The answers of one server, how often its endpoint was asked, and the metrics."""

    async def run(url: str) -> tuple[list[Json], str]:
        config = Settings(store=store, deadline_ms=5000, llm_url=url, **settings)
        application: Any = App(config)
        await application.start()
        there = httpx.ASGITransport(application)
        answers = []
        async with httpx.AsyncClient(transport=there, base_url="http://model") as client:
            for number, question in enumerate(questions):
                if between and number:
                    between()
                    await application.refresh()
                reply = await client.post("/v1/ask", json={"question": question})
                answers.append(reply.raise_for_status().json())
            metrics = (await client.get("/metrics")).text
        await application.stop()
        return answers, metrics

    with playing(step) as server:
        answers, metrics = asyncio.run(run(server.url))
        return answers, len(server.asked), metrics


@pytest.fixture
def store(tmp_path: Path) -> str:
    """A store whose champion asks a language model."""
    return stored(tmp_path, CONTRACT)


def test_by_default_nothing_is_kept(store: str) -> None:
    answers, asked, _ = ask(store, [QUESTION, QUESTION], GOOD, prediction_log="")

    assert asked == 2
    assert not any("cached" in answer for answer in answers)


def test_the_same_question_is_answered_again_without_the_model(store: str, tmp_path: Path) -> None:
    logs = tmp_path / "logs"
    questions = [QUESTION, f"  {QUESTION.upper()} ", QUESTION.rstrip("?")]
    answers, asked, metrics = ask(
        store, questions, GOOD, cache_answers=10, prediction_log=str(logs)
    )

    assert asked == 1
    assert [answer.get("cached", False) for answer in answers] == [False, True, True]
    assert {answer["answer"] for answer in answers} == {"It sleeps for 14 hours."}
    assert {answer["method"] for answer in answers} == {"small-model"}
    assert answers[1]["citations"] == answers[0]["citations"]
    assert len({answer["id"] for answer in answers}) == 3
    assert ["usage" in answer for answer in answers] == [True, False, False]
    assert 'answers_cached_total{project="model"} 2.0' in metrics
    kept = "".join(path.read_text("utf-8") for path in logs.glob("predictions-*"))
    assert kept.count('"cached":true') == 2


def test_a_promotion_empties_it(store: str, tmp_path: Path) -> None:
    def promotes() -> None:
        text = b"Newer passages:\n{passages}\nQuestion: {question}"
        place = Registry(Storage(store))
        if place.state().champion == 1:
            digest = small_bundle.make(tmp_path / "two", "two", text, CONTRACT)
            place.register(tmp_path / "two", "two", digest, {})
            place.promote()
        else:
            place.rollback()

    answers, asked, _ = ask(
        store, [QUESTION] * 3, GOOD, between=promotes, cache_answers=10, prediction_log=""
    )

    assert [answer["index_version"] for answer in answers] == [1, 2, 1]
    assert asked == 3


@pytest.mark.parametrize(
    "step", [sends(500, {}), claims("It sleeps for 15 hours.", (1, QUOTE)), claims("x", (9, QUOTE))]
)
def test_what_the_model_failed_at_is_not_kept(store: str, step: Step) -> None:
    answers, asked, _ = ask(
        store, [QUESTION] * 2, step, cache_answers=10, llm_attempts=1, prediction_log=""
    )

    assert [answer["fallback"] for answer in answers] == [True, True]
    assert asked == 2


def test_a_refusal_is_kept_for_a_shorter_time(store: str) -> None:
    settings: Json = {"cache_answers": 10, "cache_refused_seconds": 0.3, "prediction_log": ""}
    _, soon, _ = ask(store, [QUESTION] * 2, REFUSES, **settings)
    wait = lambda: time.sleep(0.4)  # noqa: E731
    answers, later, _ = ask(store, [QUESTION] * 2, REFUSES, between=wait, **settings)
    _, good, _ = ask(store, [QUESTION] * 2, GOOD, between=wait, **settings)

    assert answers[0]["refused"] is True
    assert (soon, later, good) == (1, 2, 1)


def test_being_asked_for_often_makes_no_answer_younger(store: str) -> None:
    settings: Json = {"cache_answers": 10, "cache_seconds": 0.7, "prediction_log": ""}
    wait = lambda: time.sleep(0.4)  # noqa: E731
    answers, asked, _ = ask(store, [QUESTION] * 3, GOOD, between=wait, **settings)

    assert asked == 2
    assert [answer.get("cached", False) for answer in answers] == [False, True, False]


def test_what_was_kept_is_given_when_the_tokens_are_spent(store: str) -> None:
    questions = [QUESTION, QUESTION, "When do cats hunt?"]
    answers, asked, _ = ask(
        store, questions, GOOD, cache_answers=10, llm_tokens_per_day=100, prediction_log=""
    )

    assert asked == 1
    assert [answer["method"] for answer in answers] == ["small-model", "small-model", "extractive"]
    assert "tokens of today are spent" in answers[2]["fallback_reason"]


def test_a_question_with_personal_data_is_not_kept(store: str) -> None:
    question = f"{QUESTION[:-1]}, asks ada@example.org?"
    _, asked, _ = ask(store, [question] * 2, GOOD, cache_answers=10, prediction_log="")

    assert asked == 2


def test_where_questions_are_not_logged_no_word_of_them_is_kept(tmp_path: Path) -> None:
    private = stored(tmp_path, CONTRACT + "[privacy]\nlog_questions = false\n")
    _, asked, _ = ask(private, [QUESTION] * 2, GOOD, cache_answers=10, prediction_log="")
    hashed = cache(hashed=True, cosine=0.5)
    hashed.keep("Who wrote the letter of 1987?", vector(1, 0), CLAIM, (PASSAGES[0],))

    assert asked == 1
    kept = repr(vars(hashed)["_kept"])
    assert QUOTE in kept
    assert not any(word in kept for word in ("letter", "wrote", "1987", "array"))
    assert hashed.find("Who wrote a letter in 1987?", vector(1, 0), found()) is None


def test_another_wording_finds_its_answer_by_the_vectors_of_the_index(tmp_path: Path) -> None:
    spoken = "A cat: how long in a day is it asleep?"
    store = stored(tmp_path, CONTRACT, files=lsa.fit([*small_bundle.TEXTS.values()], 8))
    settings: Json = {"cache_answers": 10, "prediction_log": ""}
    _, exactly, _ = ask(store, [QUESTION, spoken], GOOD, **settings)
    answers, near, _ = ask(store, [QUESTION, spoken], GOOD, cache_cosine=0.95, **settings)

    assert (exactly, near) == (2, 1)
    assert answers[1]["cached"] is True


def test_what_is_near_gets_an_answer_only_where_numbers_and_first_passage_agree() -> None:
    near = cache(cosine=0.9)
    near.keep("What costs plan 7?", vector(1, 0), CLAIM, (PASSAGES[0],))

    assert near.find("And the price of plan 7?", vector(1, 0.1), found())
    assert near.find("And the price of plan 8?", vector(1, 0.1), found()) is None
    assert near.find("And the price of plan 7?", vector(1, 0.1), found(1)) is None
    assert near.find("And the price of plan 7?", vector(1, 1), found()) is None
    assert near.find("And the price of plan 7?", None, found()) is None


def test_a_refusal_is_for_the_same_question_only() -> None:
    near = cache(cosine=0.9)
    near.keep("What costs plan 7?", vector(1, 0), REFUSAL, (PASSAGES[0],))

    assert near.find("What costs plan 7", vector(1, 0), found())
    assert near.find("And the price of plan 7?", vector(1, 0), found()) is None


def test_it_holds_so_many_and_the_one_used_longest_ago_goes() -> None:
    small = cache(most=2)
    for name in ("a b", "c d"):
        small.keep(name, None, CLAIM, ())
    small.find("a b", None, found())
    small.keep("e f", None, CLAIM, ())

    assert [bool(small.find(name, None, found())) for name in ("a b", "c d", "e f")] == [
        True,
        False,
        True,
    ]


@pytest.mark.parametrize(
    ("name", "value"), [("CACHE_ANSWERS", "-1"), ("CACHE_COSINE", "1.5"), ("CACHE_SECONDS", "-2")]
)
def test_a_setting_that_makes_no_sense_is_refused(name: str, value: str, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=name.lower()):
        load_settings(tmp_path / "none.toml", {f"APP_{name}": value})
