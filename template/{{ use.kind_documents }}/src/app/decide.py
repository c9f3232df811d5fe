"""The last word on an answer, where thresholds and gates do not say it."""

from collections.abc import Mapping
from typing import Any


def decide(question: str, answer: Mapping[str, Any]) -> Mapping[str, Any]:
    """The answer as it came: `answer`, `refused`, `reason`, `method`, `citations`.

    A rule of your own may refuse, say for questions about a person:
    `return {**answer, "answer": None, "refused": True, "reason": "...", "citations": []}`.
    """
    del question
    return answer
