"""What retrieval and answers are measured by. Ranks are of documents; the best passage counts.

Equal to ir-measures on hit, R@5, RR@10 and nDCG@10 with one grade of relevance.
"""

import math
from collections.abc import Sequence
from typing import Any

from engine.evaluation.questions import Question

Json = dict[str, Any]


def ranking(documents: Sequence[str]) -> list[str]:
    """Documents in the order in which their first passage was found."""
    return [*dict.fromkeys(documents)]


def retrieval(questions: Sequence[Question], found: Sequence[Sequence[str]]) -> dict[str, float]:
    """Means over questions that have an answer; `found` are the documents of the passages."""
    rows = [_ranked(q.documents, ranking(f)) for q, f in zip(questions, found, strict=True)]
    names = ("hit_at_5", "recall_at_5", "mrr_at_10", "ndcg_at_10")
    return {name: mean([row[place] for row in rows]) for place, name in enumerate(names)}


def _ranked(right: Sequence[str], ranked: Sequence[str]) -> tuple[float, float, float, float]:
    gold = {*right}
    in_five = len(gold & {*ranked[:5]})
    hits = [name in gold for name in ranked[:10]]
    first = next((place for place, hit in enumerate(hits, 1) if hit), 0)
    gain = sum(1 / math.log2(place + 1) for place, hit in enumerate(hits, 1) if hit)
    ideal = sum(1 / math.log2(place + 1) for place in range(1, min(len(gold), 10) + 1))
    return float(in_five > 0), in_five / len(gold), 1 / first if first else 0.0, gain / ideal


def answers(questions: Sequence[Question], given: Sequence[Json]) -> dict[str, float]:
    """How answers to questions that have one fare, and whether their citations are right."""
    pairs = [*zip(questions, given, strict=True)]
    answered = [(q, a) for q, a in pairs if not a["refused"]]
    cited = [(c["document"] in q.documents) for q, a in answered for c in a["citations"]]
    recalled = [bool({*q.documents} & {c["document"] for c in a["citations"]}) for q, a in pairs]
    return {
        "answered": len(answered) / len(pairs) if pairs else math.nan,
        "correct": mean([is_correct(q, a) for q, a in pairs]),
        "correct_of_answered": mean([is_correct(q, a) for q, a in answered]),
        "citation_precision": mean(cited),
        "citation_recall": mean(recalled),
    }


def is_correct(question: Question, answer: Json) -> bool:
    """Whether the answer holds one of the spans, whatever white space and case."""
    said = flat(answer["answer"] or "")
    return any(flat(span) in said for span in question.spans)


def refused(given: Sequence[Json]) -> float:
    """The share of answers that are refusals."""
    return mean([answer["refused"] for answer in given])


def flat(text: str) -> str:
    """A text for comparison."""
    return " ".join(text.split()).casefold()


def mean(values: Sequence[float]) -> float:
    """The mean; not a number where there is nothing."""
    return sum(values) / len(values) if values else math.nan
