"""Random requests, each built to be right or wrong by the contract, and what they are answered."""

import http.client
import json
import random
import socket
import tomllib
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from .project import Row, serving

Columns = dict[str, dict[str, Any]]
PATH, JSON = "/v1/predict", {"Content-Type": "application/json"}
REFUSED = {400, 404, 405, 408, 411, 413, 414, 415, 422, 431, 501}


def fuzzed(project: Path, times: int) -> Row:
    """Ask as often as this; right ones must be answered, wrong ones refused, and nothing fails."""
    document = tomllib.loads((project / "contract.toml").read_text(encoding="utf-8"))
    columns = {n: c for n, c in document["columns"].items() if "role" not in c}
    chance, found = random.Random(3), Counter[str]()
    wrong = [*VALUES, *TEXTS]
    with serving(project) as server:
        for number in range(times):
            if number % 10 == 9:
                status, is_right = _head(server.port, chance), False
            else:
                is_right = chance.random() < 0.4
                kind = _right if is_right else chance.choice(wrong)
                status = _status(server.port, *kind(chance, columns))
                found["without an answer"] += status == 0
            found["right" if is_right else "wrong"] += 1
            found["5xx"] += status >= 500 and status != 501
            found["right, refused"] += is_right and status != 200
            found["wrong, answered"] += not is_right and status not in (0, *REFUSED)
        lives = server.ask("/health/ready")[0] == 200
    faults = ("5xx", "right, refused", "wrong, answered", "without an answer")
    return Row(
        f"random requests: {found['right']:,} right, {found['wrong']:,} wrong",
        f"{times:,}",
        "; ".join(f"{found[name]:,} {name}" for name in faults),
        sum(found[name] for name in faults) + (not lives),
    )


def row(chance: random.Random, columns: Columns) -> dict[str, Any]:
    """A row as the contract allows it."""
    return {name: value(chance, column) for name, column in columns.items()}


def value(chance: random.Random, column: dict[str, Any]) -> Any:
    """A value that a column allows."""
    if column.get("nullable") and chance.random() < 0.2:
        return None
    low, high = column.get("min", -1e3), column.get("max", 1e3)
    match column["type"]:
        case "number":
            return chance.uniform(low, high)
        case "integer":
            return chance.randint(int(low), int(high))
        case "boolean":
            return chance.random() < 0.5
        case "category":
            return chance.choice(column["values"])
        case _:
            return f"20{chance.randrange(10, 30)}-0{chance.randrange(1, 10)}-11T12:00:00Z"


Sent = tuple[str, str, bytes, dict[str, str]]


def _sent(body: Any, method: str = "POST", path: str = PATH, **headers: str) -> Sent:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return method, path, content, JSON | {k.replace("_", "-"): v for k, v in headers.items()}


def _right(chance: random.Random, columns: Columns) -> Sent:
    return _sent({"rows": [row(chance, columns) for _ in range(chance.randint(1, 5))]})


def _spoilt(spoil: Callable[[random.Random, dict[str, Any], Columns], object]) -> Any:
    def request(chance: random.Random, columns: Columns) -> Sent:
        rows = [row(chance, columns) for _ in range(chance.randint(1, 5))]
        spoil(chance, chance.choice(rows), columns)
        return _sent({"rows": rows})

    return request


def _of(chance: random.Random, columns: Columns, *types: str) -> str:
    return chance.choice([name for name, column in columns.items() if column["type"] in types])


def _set(what: Callable[[random.Random], Any], *types: str) -> Any:
    def spoil(chance: random.Random, row: dict[str, Any], columns: Columns) -> None:
        row[_of(chance, columns, *types)] = what(chance)

    return _spoilt(spoil)


def _beyond(chance: random.Random, row: dict[str, Any], columns: Columns) -> None:
    name = chance.choice([n for n, c in columns.items() if "max" in c])
    row[name] = columns[name]["max"] + chance.choice([1, 1e6, 1e300])


def _unknown(chance: random.Random, row: dict[str, Any], columns: Columns) -> None:
    closed = [n for n, c in columns.items() if c["type"] == "category" and "unknown" not in c]
    row[chance.choice(closed)] = chance.choice(["", "x", "\x00", "😀", "</script>"])


def _absent(chance: random.Random, row: dict[str, Any], columns: Columns) -> None:
    row[chance.choice([n for n, c in columns.items() if not c.get("nullable")])] = None


NUMERIC = ("number", "integer")
VALUES: list[Any] = [
    _spoilt(_beyond),
    _spoilt(_unknown),
    _spoilt(_absent),
    _spoilt(lambda chance, row, columns: row.pop(chance.choice([*columns]))),
    _spoilt(lambda chance, row, _: row.update({f"x{chance.random()}": 1})),
    _set(lambda c: c.choice(["1", "", [], {}, True, [1], "nan"]), *NUMERIC),
    _set(lambda c: c.choice([float("nan"), float("inf"), -float("inf"), 10**400]), *NUMERIC),
    _set(lambda c: c.choice([1.5, 0.1, 1e-9]), "integer"),
    _set(lambda c: c.choice([0, 1, "yes", "true", []]), "boolean"),
    _set(lambda c: c.choice([0, True, [], {"a": 1}]), "category"),
    _set(lambda c: c.choice([0, "yesterday", "2026-13-01", "2026-02-30T00:00:00Z"]), "datetime"),
]


def _twice(chance: random.Random, columns: Columns) -> Sent:
    text = json.dumps({"rows": [row(chance, columns)]})
    name = json.dumps(chance.choice([*columns]))
    at = text.index(name)
    end = text.find(', "', at)
    entry = text[at:] if end < 0 else text[at:end]
    entry = entry.removesuffix("}]}")
    return _sent(f"{text[:at]}{entry}, {text[at:]}".encode())


def _bytes(change: Callable[[random.Random, bytes], bytes]) -> Any:
    def request(chance: random.Random, columns: Columns) -> Sent:
        return _sent(change(chance, json.dumps({"rows": [row(chance, columns)]}).encode()))

    return request


TEXTS: list[Any] = [
    _twice,
    _bytes(lambda c, text: text[: c.randrange(len(text))]),
    _bytes(lambda c, text: text + c.randbytes(3) + b"}"),
    _bytes(lambda c, _: c.randbytes(c.randrange(200))),
    _bytes(lambda c, _: b"[" * c.randrange(1, 50_000)),
    _bytes(lambda _, text: text.decode().encode("utf-16")),
    _bytes(lambda c, _: json.dumps(c.choice([{}, [], None, {"rows": []}, {"rows": {}}])).encode()),
    _bytes(lambda _, text: text[:-1] + b', "more": 1}'),
    lambda c, k: _sent({"rows": [row(c, k)]}, Content_Type=c.choice(["text/plain", "text/html"])),
    lambda c, k: _sent({"rows": [row(c, k)]}, method=c.choice(["PUT", "GET", "DELETE", "PATCH"])),
    lambda c, k: _sent({"rows": [row(c, k)]}, path=f"/{c.random()}/../%00<script>"),
]


def _status(port: int, method: str, path: str, body: bytes, headers: dict[str, str]) -> int:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    try:
        connection.request(method, path, body, headers)
        return connection.getresponse().status
    except (OSError, http.client.HTTPException):
        return 0
    finally:
        connection.close()


def _head(port: int, chance: random.Random) -> int:
    """The status of the answer to a head that is none, or 0."""
    good = b"POST /v1/predict HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
    sent = chance.choice(
        [
            chance.randbytes(60) + b"\r\n\r\n",
            good + b"Content-Length: x\r\n\r\n",
            good + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}",
            good + b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n{}",
            good + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n",
            good + b"X: " + b"a" * 40_000 + b"\r\n\r\n",
            good + b"X: a\r\n" * 200 + b"\r\n",
        ]
    )
    with socket.create_connection(("127.0.0.1", port), timeout=20) as connection:
        try:
            connection.sendall(sent)
            connection.shutdown(socket.SHUT_WR)
            answer = connection.recv(12)
        except OSError:
            return 0
    return int(answer[9:12]) if answer.startswith(b"HTTP/1.1 ") else 0
