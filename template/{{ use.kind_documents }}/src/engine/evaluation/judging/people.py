"""What people said of answers, and how far a judge says the same.

One JSON object to a line: `question`, `reference`, `answer` and `passages` as the judge sees them,
`grounded` and `correct` as a person sees it; null where nobody has looked yet.
`python3 run.py evaluate --for-people FILE` writes such lines.
"""

import math
import re
from collections.abc import Sequence
from pathlib import Path

import msgspec

from engine.core.errors import DataError
from engine.registry.runs import Agreement, Judged

WANTED = 50  # labels: the interval of a raw agreement of 0.8 is then 0.67 to 0.89
Z = 1.959964  # of a normal distribution, for 95%


class Label(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What a person said of an answer."""

    question: str
    reference: str
    answer: str
    passages: str
    grounded: bool | None = None
    correct: bool | None = None
    by: str = ""

    @property
    def case(self) -> dict[str, str]:
        """What the judge has to see of it."""
        names = ("question", "reference", "answer", "passages")
        return {name: getattr(self, name) for name in names}


def load(path: str) -> tuple[list[Label], int]:
    """The answers that somebody judged, and how many wait for it; nothing where there is no file.

    Raises DataError naming the line of what is wrong.
    """
    found = list[Label]()
    lines = Path(path).read_bytes().splitlines() if Path(path).is_file() else []
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            label = msgspec.json.decode(line, type=Label)
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            raise DataError(f"{path}, line {number}: {error}") from None
        if (label.grounded is None) is not (label.correct is None):
            raise DataError(
                f"{path}, line {number}: both of `grounded` and `correct` are true or false, or "
                "both are null, where nobody has looked yet"
            )
        found.append(label)
    done = [label for label in found if label.grounded is not None]
    return done, len(found) - len(done)


def agreement(of: str, pairs: Sequence[tuple[bool, bool]]) -> Agreement:
    """How often two say the same, and Cohen's kappa (1960): how much of that is not chance.

    The interval of the agreement is Wilson's (1927); that of kappa has the same ends, with chance
    as it was observed. Without pairs it raises ZeroDivisionError.
    """
    many = len(pairs)
    raw = sum(a == b for a, b in pairs) / many
    first, second = (sum(each) / many for each in zip(*pairs, strict=True))
    chance = first * second + (1 - first) * (1 - second)
    low, high = _wilson(raw, many)
    if chance > 1 - 1e-12:  # both said the same of every answer
        return Agreement(of, many, raw, low, high, None, None, None)

    def kappa(value: float) -> float:
        return float(round((value - chance) / (1 - chance), 6))

    return Agreement(of, many, raw, low, high, kappa(raw), kappa(low), kappa(high))


def _wilson(share: float, many: int) -> tuple[float, float]:
    middle = share + Z**2 / (2 * many)
    width = Z * math.sqrt(share * (1 - share) / many + Z**2 / (4 * many**2))
    ends = ((middle + side * width) / (1 + Z**2 / many) for side in (-1, 1))
    low, high = (round(min(1.0, max(0.0, end)), 6) for end in ends)
    return low, high


def family(model: str) -> str:
    """What a model's name begins with, without its owner: gpt, qwen, llama."""
    found = re.match(r"[a-z]+", model.rpartition("/")[2].lower())
    return found[0] if found else ""


def wanted(found: Judged, path: str) -> str:
    """What is not known of a judge's agreement with people, in a sentence; empty: nothing."""
    if found.labels and not found.agreement:
        return "its agreement with people is not known: it gave no verdict on what they judged"
    if found.labels >= WANTED:
        return ""
    known = "that is a rough figure" if found.labels else "its agreement with people is not known"
    waiting = f"; {found.unlabelled} answers there wait for a person" if found.unlabelled else ""
    return f"{known}: {path} has {found.labels} labels, {WANTED} are wanted{waiting}"
