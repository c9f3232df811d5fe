"""Events of AWS Lambda as requests, and answers as the event's sender reads them.

Known are those of a function URL and an HTTP API (payload format 2.0), those of a REST API and an
Application Load Balancer, and anything else: a call without HTTP, whose event is the body itself.
"""

import base64
from collections import defaultdict
from collections.abc import Iterable, Mapping
from http import HTTPStatus
from typing import Any, NamedTuple
from urllib.parse import urlencode

import msgspec

from engine.serving.in_process import Answer

JSON = {"content-type": "application/json"}
OF_THE_GATEWAY = ("content-length", "connection")  # it writes them itself

Event = Mapping[str, Any]


class Request(NamedTuple):
    """What an event asks."""

    method: str
    path: str
    body: bytes
    headers: dict[str, str]


def is_http(event: Any) -> bool:
    """Whether a gateway sent the event; otherwise it is the body of a call."""
    return isinstance(event, Mapping) and isinstance(event.get("requestContext"), Mapping)


def called(event: Any, key: str) -> Request:
    """The request of a call without HTTP: for predictions, by somebody who may call."""
    headers = JSON | ({"x-api-key": key} if key else {})
    return Request("POST", "/v1/predict", msgspec.json.encode(event), headers)


def asked(event: Event) -> Request:
    """The request that a gateway sent on."""
    read = _asked_in_2 if event.get("version") == "2.0" else _asked_in_1
    method, path, query, headers = read(event)
    return Request(method, f"{path}?{query}" if query else path, _body(event), headers)


def reply(event: Event, answer: Answer) -> dict[str, Any]:
    """An answer in the form that the sender of the event reads."""
    headers: dict[str, list[str]] = defaultdict(list)
    for name, value in answer.headers:
        if name.lower() not in OF_THE_GATEWAY:
            headers[name.lower()].append(value)
    content: dict[str, Any] = {"statusCode": answer.status, **_text(answer.body)}
    if event.get("version") == "2.0":
        content["cookies"] = headers.pop("set-cookie", [])
    elif "elb" in event["requestContext"]:
        content["statusDescription"] = f"{answer.status} {HTTPStatus(answer.status).phrase}"
    if "multiValueHeaders" in event:
        content["multiValueHeaders"] = headers
    else:
        content["headers"] = {name: ", ".join(values) for name, values in headers.items()}
    return content


def _asked_in_2(event: Event) -> tuple[str, str, str, dict[str, str]]:
    context = event["requestContext"]
    path, stage = event.get("rawPath") or "/", context.get("stage", "$default")
    if stage != "$default":  # a stage of an HTTP API is a part of the path
        path = path.removeprefix(f"/{stage}") or "/"
    headers = dict(event.get("headers") or {})
    if event.get("cookies"):
        headers["cookie"] = "; ".join(event["cookies"])
    return context["http"]["method"], path, event.get("rawQueryString") or "", headers


def _asked_in_1(event: Event) -> tuple[str, str, str, dict[str, str]]:
    pairs = list(_pairs(event, "multiValueQueryStringParameters", "queryStringParameters"))
    if "elb" in event["requestContext"]:  # which leaves them as they stood in the URL
        query = "&".join(f"{name}={value}" for name, value in pairs)
    else:
        query = urlencode(pairs)
    headers: dict[str, str] = {}
    for name, value in _pairs(event, "multiValueHeaders", "headers"):
        known = name.lower()
        join = "; " if known == "cookie" else ", "
        headers[known] = f"{headers[known]}{join}{value}" if known in headers else value
    return event["httpMethod"], event.get("path") or "/", query, headers


def _pairs(event: Event, many: str, one: str) -> Iterable[tuple[str, str]]:
    """Names with each of their values, from where there are all of them, if that is there."""
    if event.get(many):
        return [(name, value) for name, values in event[many].items() for value in values]
    return (event.get(one) or {}).items()


def _body(event: Event) -> bytes:
    body = event.get("body") or ""
    if event.get("isBase64Encoded"):
        return base64.b64decode(body)
    return str(body).encode("utf-8", "surrogatepass")  # half a character is refused as a fault


def _text(body: bytes) -> dict[str, Any]:
    try:
        return {"body": body.decode(), "isBase64Encoded": False}
    except UnicodeDecodeError:
        return {"body": base64.b64encode(body).decode(), "isBase64Encoded": True}
