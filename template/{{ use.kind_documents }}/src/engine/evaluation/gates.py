"""The gates: values of the test questions, the limits of the contract, and the verdicts."""

from engine.contract.schema import Contract
from engine.core.terminal import paint
from engine.registry.runs import Gate, Verdict

SEARCH = ("hit_at_5", "recall_at_5", "mrr_at_10", "ndcg_at_10")
ANSWERS = ("citation_precision", "correct", "refused_absent", "refused_outside")
WORDS = {
    "hit_at_5": "hit@5",
    "recall_at_5": "recall@5",
    "mrr_at_10": "MRR@10",
    "ndcg_at_10": "nDCG@10",
    "citation_precision": "citation precision",
    "correct": "answers that are correct",
    "refused_absent": "refused: topic there, answer not",
    "refused_outside": "refused: nothing to do with it",
}
LOUD = {"failed": "FAILED", "not decided": "NOT DECIDED", "not measured": "NOT MEASURED"}


def check(
    contract: Contract,
    metrics: dict[str, float],
    p99_ms: float,
    champion: dict[str, float] | None,
) -> list[Gate]:
    """Every gate, in the order in which they are shown.

    `metrics` has `search.test.*` of this index, `bm25.test.*` of words alone and `test.*` of the
    answers; `champion` is how the champion's index finds the same questions, where there is one.
    """
    found = [_floor(contract, name, metrics.get(f"search.test.{name}")) for name in SEARCH]
    found += [_floor(contract, name, metrics.get(f"test.{name}")) for name in ANSWERS]
    value = metrics.get("search.test.ndcg_at_10")
    baseline = metrics.get("bm25.test.ndcg_at_10")
    found.append(
        _margin("nDCG@10 over BM25 alone", value, baseline, contract.gates.baseline_margin)
    )
    if champion is not None:
        before = champion.get("ndcg_at_10")
        found.append(
            _margin("nDCG@10 over the champion", value, before, contract.gates.champion_margin)
        )
    if value is not None:
        limit = contract.gates.p99_ms
        verdict = _verdict(p99_ms <= limit)
        note = "search and extraction, without the endpoint" if contract.answer.model else ""
        found.append(Gate("p99 in ms", round(p99_ms, 2), f"<= {limit:g}", verdict, note))
    return found


def _floor(contract: Contract, name: str, value: float | None) -> Gate:
    limit: float | None = getattr(contract.gates, name)
    if value is None:
        return Gate(WORDS[name], None, _least(limit), "not measured")
    if limit is None:
        return Gate(WORDS[name], value, "", "not decided", f"{name} = ... under [gates] decides it")
    return Gate(WORDS[name], value, _least(limit), _verdict(value >= limit - 1e-9))


def _margin(name: str, value: float | None, other: float | None, limit: float | None) -> Gate:
    if value is None or other is None:
        return Gate(name, None, _least(limit), "not measured")
    gain = round(value - other, 6)
    if limit is None:
        return Gate(name, gain, "", "not decided")
    return Gate(name, gain, _least(limit), _verdict(gain >= limit - 1e-9))


def _least(limit: float | None) -> str:
    return "" if limit is None else f">= {limit:g}"


def _verdict(is_kept: bool) -> Verdict:
    return "passed" if is_kept else "failed"


def table(found: list[Gate]) -> str:
    """The gates as text for a terminal."""
    lines = [f"{'gate':<32} {'value':>8}   {'limit':<9} verdict"]
    for gate in found:
        value = "-" if gate.value is None else f"{gate.value:.4g}"
        verdict = LOUD.get(gate.verdict, gate.verdict)
        if gate.verdict == "failed":
            verdict = paint(verdict, "bad")
        elif gate.verdict == "passed":
            verdict = paint(verdict, "good")
        note = f"  ({gate.note})" if gate.note and gate.verdict != "not decided" else ""
        lines.append(f"{gate.name:<32} {value:>8}   {gate.limit or 'none':<9} {verdict}{note}")
    return "\n".join(lines)
