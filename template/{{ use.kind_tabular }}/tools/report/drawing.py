"""Bars and lines of the data report as coordinates; the page draws them as SVG."""

from typing import Any

from engine.contract.schema import Contract
from tools.report.describe import Bar

WIDTH, HEIGHT, LEFT, BOTTOM = 480, 150, 8, 22


def drawn(bars: list[Bar], contract: Contract) -> dict[str, Any]:
    """Bars and the line of the target as coordinates; the line has a scale of its own."""
    if not bars:
        return {}
    most, space = max(bar.rows for bar in bars) or 1, (WIDTH - 2 * LEFT) / len(bars)
    known = [bar.rate for bar in bars if bar.rate is not None]
    low, high = (0.0, 1.0) if contract.classes else (min(known, default=0), max(known, default=1))
    if contract.classes and known:
        high = max(0.05, min(1.0, 1.15 * max(known)))
    floor = min(low, 0.0)
    room, span = HEIGHT - BOTTOM - 8, (high - low) or 1.0
    found = []
    for i, bar in enumerate(bars):
        height = room * bar.rows / most
        y = None if bar.rate is None else HEIGHT - BOTTOM - room * (bar.rate - low) / span
        found.append(
            {
                "x": LEFT + i * space,
                "y": HEIGHT - BOTTOM - height,
                "height": height,
                "middle": LEFT + (i + 0.5) * space,
                "dot": y,
                "bar": bar,
                "wide": 100 * bar.rows / most,
                "rate": None
                if bar.rate is None
                else 100 * (bar.rate - floor) / ((high - floor) or 1.0),
            }
        )
    line = " ".join(f"{d['middle']:.1f},{d['dot']:.1f}" for d in found if d["dot"] is not None)
    return {
        "bars": found,
        "line": line,
        "space": space,
        "low": low,
        "high": high,
        "base": HEIGHT - BOTTOM,
    }


def share(strength: float, contract: Contract) -> float:
    """A strength as a percentage of what is possible."""
    return 100 * max(0.0, (strength - 0.5) * 2 if contract.classes else strength)


def say(value: float | None, contract: Contract) -> str:
    """A share or a mean of the target, in words."""
    if value is None:
        return "too few rows"
    return f"{value:.1%}" if contract.classes else f"{value:,.4g}"
