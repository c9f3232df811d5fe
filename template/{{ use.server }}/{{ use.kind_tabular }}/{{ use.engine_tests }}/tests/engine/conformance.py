"""What every platform must answer: one set of requests, and the bytes that come back.

A platform's test gives a function that asks it; `wrong` asks it and the server's own application
the same, and says where they differ. Ids are random, so they are compared by form.
"""

import json
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from .made_up import requests

JSON = {"Content-Type": "application/json"}
ID = re.compile(rb'"id":"[0-9a-f]{32}"')


class Reply(NamedTuple):
    """What a platform sent back."""

    status: int
    content_type: str
    body: bytes


class Case(NamedTuple):
    """One request, and the status that it must be answered with."""

    name: str
    status: int
    method: str
    path: str
    body: bytes = b""
    headers: Mapping[str, str] = JSON


Ask = Callable[[Case], Reply]


def predictions(contract: Any) -> list[Case]:
    """Good and bad requests to /v1/predict."""
    rows = requests(contract, 3)
    first = next(iter(rows[0]))
    missing = [{name: value for name, value in rows[0].items() if name != first}]
    predict = "POST", "/v1/predict"

    def body(content: Any) -> bytes:
        return msgspec.json.encode({"rows": content})

    return [
        Case("one row", 200, *predict, body(rows[:1])),
        Case("several rows", 200, *predict, body(rows)),
        Case("with reasons", 200, "POST", "/v1/predict?explain=true", body(rows[:1])),
        Case("a column is missing", 422, *predict, body(missing)),
        Case("a column is unknown", 422, *predict, body([{**rows[0], "no such column": 1}])),
        Case("no rows", 422, *predict, body([])),
        Case("too many rows", 422, *predict, body(rows[:1] * 1001)),
        Case("no JSON", 400, *predict, b"{"),
        Case("broken UTF-8", 400, *predict, b'{"rows": "\xff"}'),
        Case("not said to be JSON", 415, *predict, body(rows[:1]), {}),
        Case("a wrong word", 422, "POST", "/v1/predict?explain=perhaps", body(rows[:1])),
        Case("not this method", 405, "GET", "/v1/predict"),
    ]


def others(contract: Any) -> list[Case]:
    """Requests to the other paths of the interface."""
    known = {"id": "0" * 32, "outcome": contract.classes[-1] if contract.classes else 1.5}
    return [
        Case("outcomes", 202, "POST", "/v1/outcomes", msgspec.json.encode({"outcomes": [known]})),
        Case("wrong outcomes", 422, "POST", "/v1/outcomes", b'{"outcomes": [{"id": 1}]}'),
        Case("which model", 200, "GET", "/v1/model"),
        Case("its interface", 200, "GET", "/openapi.json"),
        Case("alive", 200, "GET", "/health/live"),
        Case("ready", 200, "GET", "/health/ready"),
        Case("nothing there", 404, "GET", "/v1/nothing"),
    ]


def wrong(ask: Ask, like: Ask, cases: list[Case]) -> list[str]:
    """Where two that answer differ, or differ from what a case asks for; nothing if nowhere."""
    found = []
    for case in cases:
        here, there = ask(case), like(case)
        if here.status != case.status:
            found.append(f"{case.name}: {here.status}, not {case.status}: {here.body[:200]!r}")
        elif _plain(here) != _plain(there):
            found.append(f"{case.name}: {_plain(here)!r}, the application {_plain(there)!r}")
    return found


def ids(reply: Reply) -> list[str]:
    """The ids of the predictions of a reply."""
    return [each["id"] for each in json.loads(reply.body)["predictions"]]


def logged(folder: Path) -> list[str]:
    """The ids that a prediction log in a folder holds."""
    lines = (line for file in folder.glob("predictions-*") for line in file.open())
    return [json.loads(line)["id"] for line in lines]


def _plain(reply: Reply) -> tuple[int, str, bytes]:
    return reply.status, reply.content_type, ID.sub(b'"id":"..."', reply.body)
