"""A repository for documents takes another vector store: nothing of the former stays, edits do."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from .conftest import render_to, snapshot
from .conversation import SEAMS
from .owner import adopt, append
from .releases import commit, replace, tree
from .test_update import conflicts, update

pytestmark = pytest.mark.xdist_group("vector store")
STORES = [*SEAMS["vector_store"]]
SWITCHES = [("embedded", "pgvector"), ("pgvector", "embedded")]
MORE = [pair for pair in zip(STORES, STORES[1:] + STORES[:1], strict=True) if pair not in SWITCHES]
RELEASE = "v99.1.0"


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The template, released."""
    clone = snapshot(tmp_path_factory.mktemp("stores") / "copier-ml")
    commit(clone, "as it is", RELEASE)
    return clone


@pytest.fixture(scope="module")
def rendered(repository: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """A repository for documents with a store, and edits of its owner; copy it to change it."""

    @cache
    def make(store: str) -> Path:
        answers: dict[str, Any] = {"problem": "rag", "vector_store": store, "engine_tests": True}
        folder = render_to(repository, tmp_path_factory.mktemp(store) / "demo", answers)
        replace(folder / "settings.toml", 'store = "store"', 'store = "shelf"')
        append(folder / "src/app/documents.py", "\n\ndef mine() -> str:\n    return 'mine'\n")
        append(folder / "src/engine/retrieval/index.py", "\n\nMINE = 1\n")
        return folder

    return make


@pytest.mark.parametrize(
    ("before", "after"),
    [*SWITCHES, *(pytest.param(*pair, marks=pytest.mark.full) for pair in MORE)],
)
def test_another_vector_store_is_a_switch(
    rendered: Callable[[str], Path], tmp_path: Path, before: str, after: str
) -> None:
    shutil.copytree(rendered(before), tmp_path / "demo")
    project = adopt(tmp_path / "demo")

    update(project, {"vector_store": after}, RELEASE)

    assert not conflicts(project)
    assert tree(project) == tree(rendered(after))


@pytest.mark.parametrize("store", STORES)
def test_only_the_store_that_was_chosen_has_code(
    rendered: Callable[[str], Path], store: str
) -> None:
    found = tree(rendered(store))
    modules = {path for path in found if "vector" in path or path.endswith("stored.py")}

    if store == "embedded":
        assert modules == {"docs/decisions/vector-store.md"}
        return
    code = found["src/engine/retrieval/vector_store.py"]
    others = {"psycopg", "qdrant_client", "pinecone", "weaviate"} - {
        {"pgvector": "psycopg", "qdrant": "qdrant_client"}.get(store, store)
    }
    assert not [name for name in others if name in code]
    assert f"tests/engine/test_{store}.py" in found
    assert "src/engine/commands/vectors.py" in found
    assert "vectors = {" in found["pyproject.toml"]
