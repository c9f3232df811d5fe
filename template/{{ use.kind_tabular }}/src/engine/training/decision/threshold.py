"""From which probability on a model of two classes answers the positive one."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn import metrics as sk

from engine.contract.decision import by_contract, decide
from engine.contract.schema import Contract
from engine.registry.runs import Answers
from engine.training.decision.rare import ENOUGH

DRAWS = 200
SURE = 0.95
COUNTS = ("true_negative", "false_positive", "false_negative", "true_positive")


def choose(
    contract: Contract, shares: NDArray[Any], target: NDArray[Any]
) -> tuple[float | None, str]:
    """The threshold that `[decision]` asks for, and how it came about; None without `[decision]`.

    `shares` [rows, classes] are calibrated probabilities of validation rows that did not teach the
    calibration, `target` their classes. With costs it is the one that theory gives for true
    probabilities (`Contract.threshold`), unless another one was so much cheaper on these rows that
    luck does not explain it: probabilities may be wrong where it matters. On 30 splits of 900 rows
    and 10 of 7,000, the cheapest of the validation rows was mostly dearer on the test rows.
    """
    theory = contract.threshold
    if theory is None or contract.costs is None or contract.positive is None:
        return theory, "written in contract.toml" if theory else "the more probable class"
    share = shares[:, contract.classes.index(contract.positive)]
    truth = target == contract.classes.index(contract.positive)
    rows, price = len(truth), f"{theory:.4g} = {contract.costs[0]:g} / {sum(contract.costs):g}"
    fewest = min(int(truth.sum()), int((~truth).sum()))
    if fewest < ENOUGH:
        return theory, (
            f"{price}, from the costs; a class has {fewest} of {rows} validation rows, too few to "
            "find a better one"
        )
    cheapest, is_luck = _cheapest(contract.costs, share, truth, theory)
    theirs, least = (spent(contract.costs, share >= at, truth) for at in (theory, cheapest))
    if least.mean() >= theirs.mean():
        return theory, f"{price}, from the costs; none was cheaper on {rows} validation rows"
    both = f"{least.mean():.4g} a row instead of {theirs.mean():.4g}"
    if is_luck:
        return theory, (
            f"{price}, from the costs; {cheapest:.4g} was cheaper on {rows} validation rows "
            f"({both}), but luck can explain that"
        )
    return cheapest, f"the cheapest on {rows} validation rows: {both} at {price}, from the costs"


def answers(
    contract: Contract, shares: NDArray[Any], target: NDArray[Any], reason: str
) -> Answers | None:
    """What is answered on some rows, counted; None unless there are two classes."""
    if contract.positive is None:
        return None
    positive = contract.classes.index(contract.positive)

    def counts(said: NDArray[np.intp]) -> dict[str, int]:
        table = sk.confusion_matrix(target == positive, said == positive, labels=[False, True])
        return dict(zip(COUNTS, map(int, table.ravel()), strict=True))

    return Answers(
        threshold=contract.threshold,
        reason=reason,
        counts=counts(decide(contract, shares)),
        at_half=counts(by_contract(contract.decided(0.5), shares)),
    )


def cost(costs: tuple[float, float], counts: dict[str, int]) -> float:
    """What the mistakes among some answers cost."""
    return costs[0] * counts["false_positive"] + costs[1] * counts["false_negative"]


def _cheapest(
    costs: tuple[float, float], share: NDArray[Any], truth: NDArray[np.bool_], theory: float
) -> tuple[float, bool]:
    """The threshold of the least cost, half-way to the next row, and whether luck explains it.

    Of several the nearest to `theory`. Luck does when draws of what could have come true, were the
    probabilities true, save as much against `theory` in more than one of twenty: the cheapest of
    many thresholds always looks better than it is.
    """
    order = np.argsort(-share, kind="stable")
    said = share[order].astype(np.float64)
    ends = np.flatnonzero(np.append(np.diff(said) != 0, True))
    cuts = np.array([1.0, *said[ends], 0.0])
    at = int((said[ends] >= theory).sum())

    def bills(real: NDArray[np.bool_]) -> NDArray[np.float64]:
        """What each cut costs, against never answering the positive class."""
        steps = np.cumsum(np.where(real, -costs[1], costs[0]))[ends]
        return np.concatenate([[0.0], steps])

    found, chance = bills(truth[order]), np.random.default_rng(0)
    between = (cuts[:-1] + cuts[1:]) / 2
    least = np.flatnonzero(found <= found.min() + 1e-9 * abs(found.min()))
    best = int(least[np.abs(between[least] - theory).argmin()])
    drawn = (bills(chance.random(len(said)) < said) for _ in range(DRAWS))
    luck = np.quantile([each[at] - each.min() for each in drawn], SURE)
    return float(between[best]), bool(found[at] - found[best] <= luck)


def spent(
    costs: tuple[float, float], said: NDArray[np.bool_], truth: NDArray[np.bool_]
) -> NDArray[np.float64]:
    """What each row's answer costs, where `said` and `truth` are True for the positive class."""
    return np.where(said & ~truth, costs[0], np.where(~said & truth, costs[1], 0.0))
