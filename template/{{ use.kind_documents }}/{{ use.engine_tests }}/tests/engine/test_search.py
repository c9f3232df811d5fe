"""Search by words: whatever is asked is no query language, and a large corpus stays quick."""

from itertools import pairwise

import numpy as np
import pytest
from threadpoolctl import threadpool_limits

from engine.contract.schema import Retrieval
from engine.retrieval import dense, lexical
from engine.retrieval.index import INDEX, Index
from engine.retrieval.split import spans

from . import small_bundle


def index(texts: dict[str, str]) -> Index:
    """The index of some texts."""
    made = small_bundle.documents(texts)
    cut = {each.name: spans(each.text, 1000, 200) for each in made}
    return Index({INDEX: lexical.build(made, cut)}, Retrieval())


@pytest.mark.parametrize(
    "question",
    [
        'cats AND "',
        "NEAR(cats dusk)",
        "text: cats*",
        "cats' OR 1=1; --",
        "^cats -dusk",
        "cats?" * 999,
    ],
)
def test_a_question_is_words_and_never_a_query(question: str) -> None:
    found = index(small_bundle.TEXTS).search(question).passages

    assert found[0].document == "cats.md"


def test_words_are_found_by_their_stems_without_accents_and_case() -> None:
    found = index({"a.md": "The cafés were closing.", "b.md": "Nothing."}).search("CAFE closes")

    assert [passage.document for passage in found.passages] == ["a.md"]


def test_the_rarest_words_decide_where_all_would_be_too_much(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    texts = {f"{n}.txt": f"common words about bikes, number {n}" for n in range(50)}
    found = index(texts | {"rare.txt": "a common zebra"})
    monkeypatch.setattr(lexical, "MOST_RANKED", 10)

    assert [p.document for p in found.search("common zebra").passages] == ["rare.txt"]
    assert len(found.search("common bikes").passages) == 5


def test_the_nearest_are_the_same_to_the_bit_on_any_number_of_cores() -> None:
    drawn = np.random.default_rng(7).normal(size=(10_003, 384))  # two threads cut it unevenly
    vectors = dense.unit(drawn)
    with threadpool_limits(1, user_api="blas"):
        near = vectors @ vectors[5]
    order = sorted(range(len(near)), key=lambda row: (-near[row], row))
    expected = [(row + 1, float(near[row])) for row in order]

    for cores in (1, 2, 4):
        with threadpool_limits(cores, user_api="blas"):
            exact = dense.Exact(vectors)
            assert exact.search(vectors[5], len(vectors)) == expected
            assert exact.search(vectors[5], 20) == expected[:20]


def test_two_builds_of_the_same_documents_are_the_same_bytes() -> None:
    made = small_bundle.documents()
    cut = {each.name: spans(each.text, 1000, 200) for each in made}

    assert lexical.build(made, cut) == lexical.build(made, cut)


PAUSED = "# One\n\nShort. Two more, and; three!\n\n## Two\n" + "word " * 300 + "\n\n" + "x" * 701


@pytest.mark.parametrize(
    ("size", "overlap"), [(100, 0), (100, 99), (120, 40), (250, 60), (1000, 200)]
)
def test_passages_keep_their_size_and_their_overlap_and_leave_out_nothing(
    size: int, overlap: int
) -> None:
    cut = spans(PAUSED, size, overlap)
    shared = [end - start for (_, end), (start, _) in pairwise(cut)]
    covered = {place for start, end in cut for place in range(start, end)}

    assert max(end - start for start, end in cut) <= size
    assert max(shared) <= overlap
    assert max(shared) > 0 or overlap < 5  # whole words are shared, where one fits
    assert all(a[0] < b[0] and a[1] <= b[1] for a, b in pairwise(cut))
    assert not [n for n, c in enumerate(PAUSED) if n not in covered and not c.isspace()]
