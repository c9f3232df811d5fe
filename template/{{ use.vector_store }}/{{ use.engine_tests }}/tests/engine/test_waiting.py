"""Nobody waits for a vector store longer than vector_ms, nor again and again for one that fails."""

import asyncio
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from engine.answering.answerer import Answerer, Asked
from engine.core.settings import Settings
from engine.core.storage import Storage
from engine.registry.registry import Registry
from engine.retrieval import nearest, stored
from engine.retrieval.nearest import Near, NearestError

from .vector_checks import QUESTION, hybrid, rows


class Late:
    """A store that takes its time."""

    waits = True

    def fill(self) -> None:
        """It is filled."""

    def search(self, *_: Any) -> Near:
        time.sleep(1)
        return [(1, 1.0)]

    def compared(self, *_: Any) -> dict[str, float]:
        raise NotImplementedError


def test_an_answer_waits_no_longer_than_vector_ms(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hybrid(tmp_path, "one")
    monkeypatch.setattr(nearest, "opened", lambda *_: Late())
    answerer = Answerer(Registry(Storage(tmp_path / "store")).load()[1], Settings(vector_ms=100))

    async def ask() -> tuple[Asked, float]:
        start = time.monotonic()
        return await answerer.prepare(QUESTION, None, 10), time.monotonic() - start

    asked, took = asyncio.run(ask())

    assert took < 0.8
    assert asked.trouble == "the vector store did not answer within vector_ms"
    answer = answerer.answer(asked)
    assert (answer["fallback"], bool(answer["citations"])) == (True, True)
    assert "cosine" not in answer["search"]


def test_a_store_that_failed_is_left_alone_for_a_while(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = list[str]()

    class Down:
        def fill(self, name: str, *_: Any) -> None:
            calls.append(name)
            raise NearestError("the vector store is down")

    monkeypatch.setattr(stored, "connected", lambda _: Down())
    opened = stored.opened(rows(9), Settings(store=str(tmp_path), vector_url="x"))
    for _ in range(3):
        with pytest.raises(NearestError, match="is down"):
            opened.search(rows(9)[0], 1)
    assert len(calls) == 1

    monkeypatch.setattr(stored.time, "monotonic", lambda: time.time() * 2)
    with pytest.raises(NearestError, match="is down"):
        opened.search(rows(9)[0], 1)
    assert len(calls) == 2


def test_a_question_without_a_vector_asks_nobody(tmp_path: Path) -> None:
    opened = stored.opened(rows(9), Settings(store=str(tmp_path), vector_url="x"))

    assert opened.search(np.zeros(8, np.float32), 3) == []
