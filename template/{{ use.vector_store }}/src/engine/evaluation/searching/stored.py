"""What a vector store finds of what exact search finds, on the vectors of the questions."""

from engine.core.errors import RunError
from engine.core.settings import Settings
from engine.evaluation.measure import encoded
from engine.evaluation.questions import Questions
from engine.evaluation.searching.reranked import searched_by
from engine.registry.bundle import Bundle
from engine.retrieval.index import Index
from engine.retrieval.nearest import NearestError

LEAST_RECALL = 0.95
UNUSED = (
    "vector_url in settings.toml is empty: vectors are searched in memory, not in a vector store"
)


def measure(
    bundle: Bundle, index: Index, asked: Questions, settings: Settings
) -> tuple[dict[str, float], list[str]]:
    """Fill the store and ask it the questions: metrics, and what a person should know.

    `search.*` is what is found with the store; `vectors.*` how it compares to exact search. Raises
    RunError where the store fails.
    """
    if index.nearest is None or not index.asks_store:
        return {}, [UNUSED]
    said, found = [question.question for question in asked.asked], dict[str, float]()
    given = dict.fromkeys(said)
    if index.asks_encoder and said:
        rows = encoded(said, index.retrieval.encoder_model, settings)
        given |= zip(said, rows, strict=True)
    try:
        index.nearest.fill()
        for split in ("dev", "test"):
            right = asked.part(split, answerable=True)
            if right:
                row = searched_by(bundle, index, right, settings)
                found |= {f"search.{split}.{name}": round(v, 6) for name, v in row.items()}
        vectors = [index.encoded(question, vector) for question, vector in given.items()]
        asking = [vector for vector in vectors if vector is not None and vector.any()]
        found |= index.nearest.compared(asking, index.retrieval.pool)
    except NearestError as error:
        raise RunError(
            f"{error}. vector_url in settings.toml says where it is, APP_VECTOR_KEY holds its key; "
            "with vector_url empty, vectors are searched in memory"
        ) from None
    recall = found.get("vectors.recall", 1.0)
    return found, [] if recall >= LEAST_RECALL else [
        f"the vector store finds {recall:.3f} of what exact search finds, and should find "
        f"{LEAST_RECALL}: docs/runbook-vector-store.md#the-index-loses-neighbours"
    ]
