"""How long the model will be at some rows, judged by what its calls took lately."""

import math

from engine.serving.protocol import ServedModel

CALLS = 16  # of a version that are watched before anything is expected of it
MOST_CALLS = 1024  # as many after one slow call upon another


class Pace:
    """The quickest of the last calls: on a busy machine any of the others may only have waited."""

    def __init__(self) -> None:
        self.row = self._call = math.inf
        """Seconds for a row within a call, and for a call; endless while nothing is known."""
        self._model: ServedModel | None = None
        self._watched, self._wanted = 0, CALLS
        self._least_row = self._least_call = math.inf

    def expects(self, model: ServedModel, rows: int) -> float:
        """Seconds that a call takes: each row as long as in a large one, a small one no less."""
        return max(rows * self.row, self._call) if model is self._model else math.inf

    def took(self, model: ServedModel, rows: int, seconds: float) -> None:
        """Learn from a call."""
        if model is not self._model:
            self._forget()
            self._model, self._wanted = model, CALLS
        self._least_row = min(self._least_row, seconds / rows)
        self._least_call = min(self._least_call, seconds)
        self._watched += 1
        if self._watched < self._wanted:
            return
        if self.row < math.inf:  # it was known all the time, so no call was slow
            self._wanted = CALLS
        self.row, self._call = self._least_row, self._least_call
        self._watched, self._least_row, self._least_call = 0, math.inf, math.inf

    def was_slow(self) -> None:
        """Trust nothing that was learnt; it takes twice as many calls to learn anew."""
        self._forget()
        self._wanted = min(self._wanted * 2, MOST_CALLS)

    def _forget(self) -> None:
        self.row = self._call = self._least_row = self._least_call = math.inf
        self._watched = 0
