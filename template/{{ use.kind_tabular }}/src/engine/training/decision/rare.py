"""Too few rows of a class: what was measured over them is said, and never taken for proof."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.contract.schema import Contract

# With 10 rows of a class a ROC AUC of 0.7 has the 95 % interval 0.52 to 0.88, however many rows the
# other class has: just told from guessing. With 4 one of 0.75 has 0.47 to 1, which tells nothing
# (Hanley and McNeil, Radiology 143, 1982).
ENOUGH = 10
WEIGH_CLASSES = frozenset({"roc_auc", "average_precision", "balanced_accuracy", "f1"})


def too_few(contract: Contract, target: NDArray[Any]) -> str:
    """Which class has so few of these rows that `gates.metric` says little; empty when none has.

    Only of metrics that weigh a class as heavily as any other, however rare it is.
    """
    if not contract.classes or contract.gates.metric not in WEIGH_CLASSES:
        return ""
    counts = np.bincount(target, minlength=len(contract.classes))
    rarest = int(counts.argmin())
    if counts[rarest] >= ENOUGH:
        return ""
    return f"{counts[rarest]} of {len(target)} test rows are {contract.classes[rarest]!r}"


def warnings(contract: Contract, parts: dict[str, NDArray[Any]]) -> list[str]:
    """A sentence for each class with too few test rows; `parts` holds the target of each part."""
    found = []
    for position, name in enumerate(contract.classes):
        counts = {part: int((target == position).sum()) for part, target in parts.items()}
        if counts["test"] < ENOUGH:
            said = ", ".join(
                f"{count} of {len(parts[part])} {part}" for part, count in counts.items()
            )
            found.append(
                f"class {name!r} has {said} rows; with fewer than {ENOUGH} test rows of a class "
                "luck decides what is measured over it: it takes more of them to tell"
            )
    return found
