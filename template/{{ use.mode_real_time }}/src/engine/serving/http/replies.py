"""Answers of the server: JSON, or a problem document (RFC 9457) that names what is wrong."""

from http import HTTPStatus
from typing import NamedTuple

import msgspec

from engine.core.errors import Problem, RequestError

Header = tuple[bytes, bytes]

JSON: Header = (b"content-type", b"application/json")
PROBLEM: Header = (b"content-type", b"application/problem+json")
NO_GUESS: Header = (b"x-content-type-options", b"nosniff")  # a browser takes no answer for HTML
encode = msgspec.json.Encoder().encode


class Reply(NamedTuple):
    """What goes back to the caller."""

    status: int
    body: bytes
    headers: tuple[Header, ...] = (JSON,)


class Refusal(Exception):  # noqa: N818 - an answer, not a fault of the program
    """Ends a request with a problem document; keywords become headers."""

    def __init__(
        self, status: int, detail: str, problems: list[Problem] | None = None, **headers: str
    ) -> None:
        super().__init__(detail)
        self.status, self.detail, self.problems, self.headers = status, detail, problems, headers

    def reply(self) -> Reply:
        """The problem document."""
        content = {
            "type": "about:blank",
            "title": HTTPStatus(self.status).phrase,
            "status": self.status,
            "detail": self.detail,
        }
        if self.problems:
            content["problems"] = [problem.as_dict() for problem in self.problems]
        extra = [(k.replace("_", "-").encode(), v.encode()) for k, v in self.headers.items()]
        return Reply(self.status, encode(content), (PROBLEM, *extra))


def refused(error: RequestError) -> Refusal:
    """400 for a body that is no JSON, 422 for values the contract forbids."""
    first, more = error.problems[0].detail, len(error.problems) - 1
    detail = f"{first} (and {more} more)" if more else first
    return Refusal(400 if error.malformed else 422, detail, error.problems)
