"""Found passages in a better order, by a model that reads each beside the question.

The answers rerank=cross_encoder and rerank=hosted bring `reranker` into this package. A version
that was measured with a reranker holds its name in `reranker.txt`, so another model, or the same
one with other weights, is another version.
"""

import importlib
import math
from collections.abc import Mapping, Sequence
from typing import Any, Protocol, cast

from engine.contract.schema import Retrieval
from engine.core.errors import ContractError, SettingsError
from engine.core.settings import Settings
from engine.retrieval.lexical import Passage, about

RERANKER = "reranker.txt"  # the name it has in a bundle
MODULE = "engine.retrieval.rerank.reranker"
ABSENT = (
    "this repository has no code for it; bring it in with: python3 run.py template update "
    "-d rerank=cross_encoder"
)


class RerankError(Exception):
    """It gave no scores; the text says why, in a few words."""


class Reranker(Protocol):
    """What scores passages by how well they answer a question."""

    name: str
    """The model; another name may give another order."""

    async def rerank(
        self, question: str, passages: Sequence[Passage], seconds: float
    ) -> list[float]:
        """A score for each passage, higher for better, within this time.

        Raises RerankError.
        """

    async def close(self) -> None:
        """End its connections."""


class Missing:
    """Stands for the reranker that a version was measured with and that is not here."""

    def __init__(self, name: str, why: str) -> None:
        self.name, self._why = name, why

    async def rerank(self, question: str, passages: Sequence[Passage], seconds: float) -> Any:
        """There are no scores.

        Raises RerankError.
        """
        del question, passages, seconds
        raise RerankError(self._why)

    async def close(self) -> None:
        """Nothing was opened."""


def lacking(settings: Settings, retrieval: Retrieval) -> str:
    """What there is to do before passages can be reranked; empty when all is there."""
    part = _part()
    return ABSENT if part is None else cast(str, part.lacking(settings, retrieval))


def warning(settings: Settings, retrieval: Retrieval) -> str:
    """Why nothing was reranked although the code for it is here; empty where nothing is missing."""
    if retrieval.rerank == "none" or _part() is None:
        return ""
    lacks = lacking(settings, retrieval)
    return f"no reranker was measured: {lacks}" if lacks else ""


def name(settings: Settings, retrieval: Retrieval) -> str:
    """The reranker of now, by what decides its scores; empty where none is set up."""
    if retrieval.rerank == "none" or lacking(settings, retrieval):
        return ""
    return cast(str, _part().name(settings, retrieval))


def wanted(settings: Settings, retrieval: Retrieval) -> Reranker | None:
    """The reranker that a build measures; None where none is set up.

    Raises ContractError when the contract insists on one, SettingsError when it cannot be used.
    """
    if retrieval.rerank == "none":
        return None
    if lacks := lacking(settings, retrieval):
        if retrieval.rerank == "always":
            raise ContractError(f'retrieval.rerank in contract.toml is "always", but {lacks}')
        return None
    return cast(Reranker, _part().opened(settings, retrieval))


def of_version(
    files: Mapping[str, bytes], settings: Settings, retrieval: Retrieval
) -> Reranker | None:
    """The reranker that a version was measured with; None where it was measured without.

    One that is not here, or has become another, raises RerankError when it is asked.
    """
    if RERANKER not in files:
        return None
    known = files[RERANKER].decode()
    if lacks := lacking(settings, retrieval):
        return Missing(known, lacks)
    try:
        found = cast(Reranker, _part().opened(settings, retrieval))
    except SettingsError as error:
        return Missing(known, str(error))
    if found.name != known:
        why = f"this version was measured with {known}, and here is {found.name}"
        return Missing(known, f"{why}; python3 run.py up builds a version with it")
    return found


async def reordered(
    reranker: Reranker, question: str, passages: Sequence[Passage], seconds: float
) -> list[Passage]:
    """All passages, the best first; of equal ones that which the search had first.

    Raises RerankError.
    """
    if not passages:
        return []
    scores = await reranker.rerank(question, passages, seconds)
    if len(scores) != len(passages) or not all(map(math.isfinite, scores)):
        raise RerankError(f"{len(scores)} scores for {len(passages)} passages, or no numbers")
    return [passages[n] for n in sorted(range(len(passages)), key=lambda n: (-scores[n], n))]


def shown(passage: Passage) -> str:
    """What a reranker reads of a passage: what is said above it, and its text."""
    return f"{about(passage.title, passage.heading)}\n{passage.text}"


def _part() -> Any:
    """The module that came with the answer `rerank`; None where none did."""
    try:
        return importlib.import_module(MODULE)
    except ModuleNotFoundError as error:
        if error.name != MODULE:
            raise
        return None
