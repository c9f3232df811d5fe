"""What gateways send, and what they read of a reply; what a call without HTTP is."""

import base64
from typing import Any

import pytest

from engine.serving.function import events
from engine.serving.in_process import Answer

from .conformance import Case
from .gateways import GATEWAYS, function_url, load_balancer, rest_api

CASE = Case("", 200, "POST", "/v1/predict?explain=true", b"{}", {"X-API-Key": "k"})


@pytest.mark.parametrize("event_of", GATEWAYS.values(), ids=GATEWAYS)
def test_every_gateway_asks_the_same(event_of: Any) -> None:
    request = events.asked(event_of(CASE))

    assert request[:3] == ("POST", "/v1/predict?explain=true", b"{}")
    assert {name.lower(): value for name, value in request.headers.items()} == {"x-api-key": "k"}


def test_bytes_that_are_no_text_come_in_and_go_out() -> None:
    body = b"\xff\x00"

    asked = events.asked(function_url(CASE._replace(body=body)))
    reply = events.reply(function_url(CASE), Answer(200, [("content-type", "image/png")], body))

    assert asked.body == body
    assert reply["isBase64Encoded"]
    assert base64.b64decode(reply["body"]) == body


def test_half_a_character_is_no_error_of_the_function() -> None:
    event = function_url(CASE) | {"body": '"\ud800"'}

    assert events.asked(event).body == b'"\xed\xa0\x80"'  # the server refuses it, as over HTTP


def test_values_that_come_twice() -> None:
    event = rest_api(CASE)
    event["multiValueHeaders"] = {"Accept": ["a", "b"], "cookie": ["c=1", "d=2"]}
    event["multiValueQueryStringParameters"] = {"name": ["x y", "&"], "é": ["1"]}

    request = events.asked(event)

    assert request.headers == {"accept": "a, b", "cookie": "c=1; d=2"}
    assert request.path == "/v1/predict?name=x+y&name=%26&%C3%A9=1"


def test_a_load_balancer_leaves_the_query_as_it_was() -> None:
    event = load_balancer(CASE._replace(path="/own?name=x%20y&z=%26"))

    assert events.asked(event).path == "/own?name=x%20y&z=%26"


def test_cookies_have_a_place_of_their_own_in_format_2() -> None:
    given = [("set-cookie", "a=1"), ("set-cookie", "b=2; Path=/"), ("vary", "a"), ("vary", "b")]
    event = function_url(CASE) | {"cookies": ["a=1", "b=2"]}

    assert events.asked(event).headers["cookie"] == "a=1; b=2"
    reply = events.reply(event, Answer(200, given, b""))
    assert reply["cookies"] == ["a=1", "b=2; Path=/"]
    assert reply["headers"] == {"vary": "a, b"}
    reply = events.reply(rest_api(CASE), Answer(200, given, b""))
    assert reply["multiValueHeaders"]["set-cookie"] == ["a=1", "b=2; Path=/"]


def test_what_the_gateway_writes_itself_is_left_to_it() -> None:
    given = [("content-length", "2"), ("Connection", "close"), ("content-type", "text/plain")]

    reply = events.reply(function_url(CASE), Answer(503, given, b"no"))

    assert reply["headers"] == {"content-type": "text/plain"}
    assert (reply["statusCode"], reply["body"]) == (503, "no")
    balanced = events.reply(load_balancer(CASE), Answer(503, given, b"no"))
    assert balanced["statusDescription"] == "503 Service Unavailable"


@pytest.mark.parametrize("event", [{"rows": [{}]}, [], {}, None, "text", {"requestContext": 1}])
def test_anything_else_is_a_body(event: Any) -> None:
    assert not events.is_http(event)
    request = events.called(event, "the key")

    assert request.path == "/v1/predict"
    assert request.headers == {"content-type": "application/json", "x-api-key": "the key"}
