"""What every vector store has to keep: filled whole, shared by nobody else, never in the way."""

import re
import threading
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

from engine.commands import vectors as verb
from engine.contract.schema import Retrieval
from engine.core.errors import RunError
from engine.core.settings import Settings
from engine.core.storage import Storage
from engine.evaluation.questions import Question, Questions
from engine.evaluation.searching import lsa
from engine.evaluation.searching import stored as measured
from engine.registry.registry import Registry
from engine.retrieval import lexical, nearest, stored
from engine.retrieval.dense import Exact, Vectors, unit
from engine.retrieval.index import INDEX, Index
from engine.retrieval.nearest import NearestError
from engine.retrieval.split import spans

from . import small_bundle
from .test_endpoint import ask

QUESTION = "How long does a cat sleep a day?"
SEED = 7
SIZE = 8


def rows(count: int = 300, seed: int = SEED) -> Vectors:
    """Random vectors of unit length; one is nothing but zeros, as of a passage without words."""
    found = unit(np.random.default_rng(seed).normal(size=(count, SIZE)))
    found[1] = 0
    return found


def bundle_files(texts: dict[str, str]) -> dict[str, bytes]:
    """What an encoder of these texts adds to a bundle."""
    made = small_bundle.documents(texts)
    content = lexical.build(made, {d.name: spans(d.text, 1000, 200) for d in made})
    return lsa.fit(Index({INDEX: content}, Retrieval()).lexical.texts(), SIZE)


def hybrid(folder: Path, run_id: str, texts: dict[str, str] = small_bundle.TEXTS) -> None:
    """Register a version that has vectors, and make it the champion."""
    place, scratch = Storage(folder / "store"), folder / run_id
    own = (small_bundle.ROOT / "contract.toml").read_text("utf-8")
    plain = re.sub(r'(?m)^model = "[^"]*"', 'model = ""', own, count=1)  # nobody is asked but it
    digest = small_bundle.make(
        scratch, run_id, contract=plain, texts=texts, files=bundle_files(texts)
    )
    Registry(place).register(scratch, run_id, digest, {})
    Registry(place).promote()


class VectorChecks:
    """A class of tests for each store gives `address`, `half` and `slow`."""

    unreached = r"the vector store cannot be reached \(\w+\)$"
    """What is said where nobody listens: no address, no words of a library."""

    @pytest.fixture
    def address(self) -> dict[str, Any]:
        """The settings with which the store is reached."""
        raise NotImplementedError

    def half(self, name: str, vectors: Vectors) -> None:
        """Leave the collection as a process does that is killed while it fills it."""
        raise NotImplementedError

    def slow(self) -> AbstractContextManager[Any]:
        """Let every search take longer than vector_ms."""
        raise NotImplementedError

    @pytest.fixture(autouse=True)
    def _afresh(self, address: dict[str, Any]) -> Iterator[None]:
        """As in a new process: no connection of a test before."""
        self.reached = Settings(**address)
        stored._connected.cache_clear()
        yield
        stored._connected.cache_clear()

    @pytest.fixture
    def settings(self, address: dict[str, Any], tmp_path: Path) -> Settings:
        """Settings of a project with an artifact store of its own."""
        return Settings(name="A project", store=str(tmp_path / "store"), **address)

    def test_what_exact_search_finds_is_found(self, settings: Settings) -> None:
        made = rows()
        opened = nearest.opened(made, settings)

        opened.fill()
        for vector in unit(np.random.default_rng(1).normal(size=(20, SIZE))):
            found, right = opened.search(vector, 10), Exact(made).search(vector, 10)
            assert {row for row, _ in found} == {row for row, _ in right}
            assert [c for _, c in found] == pytest.approx([c for _, c in right], abs=1e-4)

        assert opened.search(np.zeros(SIZE, np.float32), 10) == []

    def test_versions_live_side_by_side_and_equal_ones_share(self, settings: Settings) -> None:
        first, second = rows(20), rows(30, seed=8)
        for vectors in (first, second, first.copy()):
            nearest.opened(vectors, settings).fill()

        names = stored.connected(settings).names()
        assert sum(name.startswith(stored.prefix(settings)) for name in names) == 2
        for vectors in (first, second):
            [(number, cosine)] = nearest.opened(vectors, settings).search(vectors[9], 1)
            assert (number, cosine) == (10, pytest.approx(1, abs=1e-4))

    def test_several_may_fill_it_at_once(self, settings: Settings) -> None:
        made, troubles = rows(), list[Exception]()

        def fill() -> None:
            try:
                nearest.opened(made, settings).fill()
            except Exception as error:
                troubles.append(error)

        threads = [threading.Thread(target=fill) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

        assert not troubles
        found = nearest.opened(made, settings).search(made[0], len(made))
        assert len({row for row, _ in found}) == len(found)
        assert found[0][0] == 1

    def test_a_half_filled_collection_is_completed_before_it_is_searched(
        self, settings: Settings
    ) -> None:
        made = rows(40)
        self.half(stored.name_of(made, settings), made)

        found = nearest.opened(made, settings).search(made[-1], 5)

        assert found == [
            (row, pytest.approx(cosine, abs=1e-4))
            for row, cosine in Exact(made).search(made[-1], 5)
        ]

    def test_a_server_answers_with_what_the_store_finds(
        self, address: dict[str, Any], tmp_path: Path
    ) -> None:
        hybrid(tmp_path, "one")
        url = str(tmp_path / "store")

        [inside] = ask(url, QUESTION)
        [answer] = ask(url, QUESTION, **address)

        assert answer["search"].pop("cosine") == pytest.approx(
            inside["search"].pop("cosine"), abs=1e-3
        )
        for each in (answer, inside):
            each.pop("id")
        assert answer == inside
        assert (answer["fallback"], bool(answer["citations"])) == (False, True)

    def test_a_dropped_collection_is_filled_again(
        self, settings: Settings, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(stored, "REST_SECONDS", 0.0)
        made = rows(20)
        opened = nearest.opened(made, settings)
        opened.fill()
        stored.connected(settings).drop(stored.name_of(made, settings))

        with pytest.raises(NearestError, match="vector store"):
            opened.search(made[4], 1)
        assert opened.search(made[4], 1)[0][0] == 5

    def test_a_store_that_is_late_costs_no_answer(
        self, address: dict[str, Any], tmp_path: Path
    ) -> None:
        hybrid(tmp_path, "one")
        ask(str(tmp_path / "store"), QUESTION, **address)  # fills it
        stored._connected.cache_clear()

        with self.slow():
            start = time.monotonic()
            [answer] = ask(str(tmp_path / "store"), QUESTION, **address, vector_ms=200)
            took = time.monotonic() - start

        assert answer["fallback"] is True
        assert "vector_ms" in answer["fallback_reason"]
        assert answer["citations"]
        assert "cosine" not in answer["search"]
        assert took < 6

    def test_a_store_that_is_down_costs_no_answer_and_a_build_says_so(
        self, address: dict[str, Any], tmp_path: Path
    ) -> None:
        hybrid(tmp_path, "one")
        url = str(tmp_path / "store")
        down = self.down(address)

        first, second = ask(url, QUESTION, QUESTION, **down)

        assert first["fallback"] is second["fallback"] is True
        assert "vector store" in first["fallback_reason"]
        assert first["citations"]
        assert ":9" not in first["fallback_reason"]
        _, bundle = Registry(Storage(url)).load()
        settings = Settings(store=url, **down)
        index = Index(bundle.files, bundle.contract.retrieval, settings)
        with pytest.raises(RunError, match=r"vector store .*vector_url in settings.toml"):
            measured.measure(bundle, index, Questions([], []), settings)

    def down(self, address: dict[str, Any]) -> dict[str, Any]:
        """The settings of a store that nobody runs."""
        return {**address, "vector_url": "http://127.0.0.1:9"}

    def test_an_address_where_nobody_listens_is_named_and_not_shown(
        self, address: dict[str, Any]
    ) -> None:
        with pytest.raises(NearestError, match=self.unreached):
            stored.connected(Settings(**self.down(address))).names()

    def test_what_no_version_needs_is_dropped_when_asked_and_nothing_else(
        self,
        settings: Settings,
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
        capsys: pytest.CaptureFixture[str],
    ) -> None:
        other = msgspec.structs.replace(settings, store=str(tmp_path / "other"))
        kept = nearest.opened(rows(12), other)
        kept.fill()
        hybrid(tmp_path, "one")
        hybrid(
            tmp_path, "two", {**small_bundle.TEXTS, "new.md": "# New\n\nA dog sleeps at noon.\n"}
        )
        monkeypatch.setattr(verb, "load_settings", lambda: settings)
        nearest.opened(rows(16), settings).fill()  # of a run that failed a gate

        assert verb.main(["vectors", "fill", "--version", "1"]) == 0
        assert verb.main(["vectors", "fill"]) == 0
        assert verb.main(["vectors", "list"]) == 0
        listed = capsys.readouterr().out
        assert verb.main(["vectors", "prune"]) == 0
        pruned = capsys.readouterr().out

        assert [listed.count(f"  version {n}\n") for n in (1, 2)] == [1, 1]
        assert listed.count("of no version\n") == 1
        assert pruned.count("dropped") == 1
        names = stored.connected(settings).names()
        assert sum(name.startswith(stored.prefix(settings)) for name in names) == 2
        assert kept.search(rows(12)[4], 1)[0][0] == 5

    def test_what_the_store_loses_is_measured(
        self, settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        hybrid(tmp_path, "one")
        _, bundle = Registry(Storage(settings.store)).load()
        index = Index(bundle.files, bundle.contract.retrieval, settings)
        asked = Questions([_question(QUESTION), _question("When is tea poured?")], [])

        found, said = measured.measure(bundle, index, asked, settings)
        assert (found["vectors.recall"], said) == (1.0, [])
        assert found["search.test.hit_at_5"] == 1.0

        there = type(stored.connected(settings))
        real = there.search
        monkeypatch.setattr(there, "search", lambda *words: real(*words)[2:])
        found, said = measured.measure(bundle, index, asked, settings)
        assert found["vectors.recall"] < 0.95
        assert "loses-neighbours" in said[0]


def _question(text: str) -> Question:
    names = ("cats.md",) if "cat" in text else ("tea.md",)
    return Question(id=text, split="test", question=text, answerable=True, documents=names)
