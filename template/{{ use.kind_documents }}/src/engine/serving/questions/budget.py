"""What a language model may use in a day."""

from datetime import UTC, datetime

from engine.answering.answerer import Asked


class Budget:
    """Tokens that were used today (UTC) against the most that may be."""

    def __init__(self, most: int) -> None:
        self._most, self._used, self._day = most, 0, ""

    @property
    def is_spent(self) -> bool:
        """Whether nothing more may be asked today."""
        return bool(self._most) and self._now() >= self._most

    def take(self, asked: Asked) -> None:
        """Count what a question cost."""
        self._now()
        if asked.usage:
            counted = (asked.usage.prompt or 0) + (asked.usage.completion or 0)
            self._used += counted or asked.usage.guessed

    def _now(self) -> int:
        today = f"{datetime.now(UTC):%Y%m%d}"
        if today != self._day:
            self._day, self._used = today, 0
        return self._used
