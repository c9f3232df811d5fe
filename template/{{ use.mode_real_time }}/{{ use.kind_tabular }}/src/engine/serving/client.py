"""A typed client that tries again when that can help, and only then.

It repeats what the network or a busy server refused (no answer, 429, 502, 503, 504), waits longer
each time with full jitter, at least as long as Retry-After asks, and gives up at one deadline for
everything. What the caller did wrong (any other 4xx) is raised at once.

ClientError
├── RejectedError     the server understood and refuses: `status` and `problems` say why
└── UnavailableError  no useful answer before the deadline
"""

import time
from email.utils import parsedate_to_datetime
from types import TracebackType
from typing import Any, Self, TypeVar

import httpx
import msgspec
from tenacity import (
    RetryCallState,
    Retrying,
    retry_if_exception_type,
    stop_before_delay,
    wait_random_exponential,
)

AGAIN = frozenset({429, 502, 503, 504})
T = TypeVar("T")


class Change(msgspec.Struct, frozen=True):
    """What one value did: the answer, minus the answer with the typical value in its place."""

    feature: str
    value: Any
    typical: Any
    change: float


class Explanation(msgspec.Struct, frozen=True, omit_defaults=True):
    """What moved a prediction, the largest change first; `of` is the class whose probability it is.

    A feature with its typical value is not in it, nor a personal one.
    """

    changes: list[Change]
    of: str | None = None


class Prediction(msgspec.Struct, frozen=True, omit_defaults=True):
    """The answer to one row: `label` and `probabilities`, or `value`."""

    id: str
    fallback: bool
    label: str | None = None
    probabilities: dict[str, float] = {}
    value: float | None = None
    features: dict[str, str] = {}
    """How each feature table was found: fresh, stale, missing or failed."""
    explanation: Explanation | None = None
    """Where it was asked for; a fallback has none."""


class Predictions(msgspec.Struct, frozen=True):
    """The answers to the rows of a request, in their order."""

    model_version: int
    run_id: str
    predictions: list[Prediction]


class Outcome(msgspec.Struct, frozen=True, omit_defaults=True):
    """What became of a prediction, and what that was worth."""

    id: str
    outcome: str | float
    value: float | None = None


class Problem(msgspec.Struct, frozen=True):
    """One fault the server found."""

    rule: str
    detail: str
    row: int | None = None
    column: str | None = None
    value: Any = None


class ProblemDocument(msgspec.Struct, frozen=True):
    """A refusal as the server words it."""

    detail: str = ""
    problems: list[Problem] = []


class ClientError(Exception):
    """The request got no useful answer."""


class UnavailableError(ClientError):
    """The server could not be reached, or was too busy until the deadline."""


class RejectedError(ClientError):
    """The server refuses this request; sending it again would change nothing."""

    def __init__(self, status: int, document: ProblemDocument) -> None:
        super().__init__(f"{status}: {document.detail}")
        self.status, self.problems = status, document.problems


class _AgainError(UnavailableError):
    wait: float | None = None


class Client:
    """Talks to one server; use it in a `with` block or call `close`."""

    def __init__(
        self,
        url: str,
        *,
        api_key: str = "",
        deadline: float = 10.0,
        first_wait: float = 0.1,
        longest_wait: float = 5.0,
    ) -> None:
        headers = {b"X-API-Key": api_key.encode()} if api_key else {}
        self._http = httpx.Client(base_url=url, headers=headers)
        self._deadline = deadline
        self._jitter = wait_random_exponential(multiplier=first_wait, max=longest_wait)

    def predict(self, rows: list[dict[str, Any]], *, explain: bool = False) -> Predictions:
        """Answers for rows, each a value per column of the contract; with what moved them."""
        path = "/v1/predict?explain=true" if explain else "/v1/predict"
        return self._call("POST", path, {"rows": rows}, Predictions)

    def report(self, outcomes: list[Outcome]) -> None:
        """Report what became of earlier predictions, by their ids.

        Reporting one twice is harmless: the last report counts.
        """
        self._call("POST", "/v1/outcomes", {"outcomes": outcomes}, dict)

    def about(self) -> dict[str, Any]:
        """Which model answers."""
        return self._call("GET", "/v1/model", None, dict[str, Any])

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _call(self, method: str, path: str, content: Any, kind: type[T]) -> T:
        body = b"" if content is None else msgspec.json.encode(content)
        end = time.monotonic() + self._deadline
        attempts = Retrying(
            retry=retry_if_exception_type(_AgainError),
            wait=self._wait,
            stop=stop_before_delay(self._deadline),
            reraise=True,
        )
        reply = attempts(self._attempt, method, path, body, end, [])
        try:
            return msgspec.json.decode(reply, type=kind)
        except msgspec.DecodeError as error:
            raise ClientError(f"{path} gave an answer this client cannot read: {error}") from None

    def _attempt(
        self, method: str, path: str, body: bytes, end: float, heard: list[_AgainError]
    ) -> bytes:
        left = max(end - time.monotonic(), 0.001)
        headers = {"Content-Type": "application/json"} if body else {}
        try:
            reply = self._http.request(method, path, content=body, headers=headers, timeout=left)
        except httpx.TransportError as error:
            if heard and isinstance(error, httpx.TimeoutException):
                raise heard[-1] from None  # what the server said tells more than its silence
            raise _AgainError(f"{self._http.base_url}: {error or type(error).__name__}") from None
        if reply.is_success:
            return reply.content
        try:
            document = msgspec.json.decode(reply.content, type=ProblemDocument)
        except msgspec.DecodeError:
            document = ProblemDocument(reply.reason_phrase)
        if reply.status_code not in AGAIN:
            raise RejectedError(reply.status_code, document)
        again = _AgainError(f"{reply.status_code}: {document.detail}")
        again.wait = retry_after(reply.headers.get("Retry-After", ""))
        heard.append(again)
        raise again

    def _wait(self, state: RetryCallState) -> float:
        error = state.outcome.exception() if state.outcome else None
        asked = error.wait if isinstance(error, _AgainError) else None
        jitter = self._jitter(state)
        # Everybody is asked to wait equally long: the jitter on top keeps them from one stampede.
        return jitter if asked is None else asked + jitter


def retry_after(text: str) -> float | None:
    """Seconds that a Retry-After header asks for, given as a number or as a date."""
    if text.isdecimal():
        return float(text)
    try:
        return max(parsedate_to_datetime(text).timestamp() - time.time(), 0.0)
    except (ValueError, TypeError):
        return None
