"""A language model as a judge: what it says of answers, and how far people agree with it."""

from engine.evaluation.judging.judge import judged, lines, sample

__all__ = ["judged", "lines", "sample"]
