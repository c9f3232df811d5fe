"""The gates as text for a terminal of 80 columns."""

import textwrap
from collections.abc import Sequence
from typing import Literal

from engine.core.terminal import paint
from engine.registry.runs import Gate

COLOURS: dict[str, Literal["good", "warning", "bad"]] = {
    "passed": "good",
    "failed": "bad",
    "cannot tell": "warning",
    "not decided": "warning",
}
WIDTH, NAME, INDENT = 80, 32, "    "
LOUD = {"failed": "FAILED", "cannot tell": "CANNOT TELL", "not decided": "NOT DECIDED"}


def table(found: Sequence[Gate]) -> str:
    """The gates: name, value, limit, verdict, and below each what there is to say about it."""
    lines = [f"{'gate':<{NAME}} {'value':>10}   {'limit':<12} verdict"]
    for gate in found:
        name, value = gate.name, "-" if gate.value is None else f"{gate.value:.4g}"
        if len(name) > NAME:
            lines += _wrapped(name)
            name = ""
        verdict = _verdict(gate.verdict)
        lines.append(f"{name:<{NAME}} {value:>10}   {gate.limit or 'none':<12} {verdict}")
        lines += _wrapped(details(gate), INDENT)
    return "\n".join([*lines, *_open(found)])


def _verdict(verdict: str) -> str:
    colour = COLOURS.get(verdict)
    text = LOUD.get(verdict, verdict)
    return paint(text, colour) if colour else text


def details(gate: Gate) -> str:
    """The interval and the note of a gate."""
    between = "between {:.3g} and {:.3g} with 95 %".format(*gate.bounds) if gate.bounds else ""
    return "; ".join(text for text in (between, gate.note) if text)


def to_decide(found: Sequence[Gate]) -> list[str]:
    """Example lines for `[gates]` in contract.toml: one for each limit that nobody decided."""
    return list(dict.fromkeys(gate.line for gate in found if gate.line))


def _open(found: Sequence[Gate]) -> list[str]:
    """What no gate answers: it holds nothing back, so it is said once more."""
    lines = list[str]()
    if unclear := [gate.name for gate in found if gate.verdict == "cannot tell"]:
        lines += _wrapped(
            f"CANNOT TELL: {', '.join(unclear)}. The test rows are too few to say whether the "
            "limit is kept. That holds no model back, and it is no pass."
        )
    if missing := to_decide(found):
        lines += _wrapped(
            "NOT DECIDED: measured, but nobody has set a limit, so it holds no model back. Write "
            "what you ask for under [gates] in contract.toml, such as"
        )
        lines += [INDENT + line for line in missing]
    return ["", *lines] if lines else []


def _wrapped(text: str, indent: str = "") -> list[str]:
    return textwrap.wrap(
        text, WIDTH, initial_indent=indent, subsequent_indent=indent, break_on_hyphens=False
    )
