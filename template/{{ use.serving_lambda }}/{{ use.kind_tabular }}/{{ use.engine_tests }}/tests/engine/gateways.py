"""Requests as the gateways of AWS send them on, and their replies.

After "Using Lambda with API Gateway" (payload formats 1.0 and 2.0), "Function URLs" (as 2.0) and
"Receive requests from an Application Load Balancer" of the Lambda developer guide.
"""

import base64
from collections.abc import Callable, Mapping
from typing import Any

from .conformance import Case, Reply

Event = dict[str, Any]


def function_url(case: Case) -> Event:
    """Payload format 2.0, the body as text where it is text."""
    path, _, query = case.path.partition("?")
    return {
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": path,
        "rawQueryString": query,
        "headers": {name.lower(): value for name, value in case.headers.items()},
        "requestContext": {
            "accountId": "anonymous",
            "http": {"method": case.method, "path": path, "protocol": "HTTP/1.1"},
            "stage": "$default",
        },
        **_body(case.body, is_text=_is_text(case.body)),
    }


def http_api(case: Case) -> Event:
    """Payload format 2.0 behind a stage, with every body in base64."""
    event = function_url(case)
    event["rawPath"] = f"/prod{event['rawPath']}"
    event["requestContext"]["stage"] = "prod"
    return event | _body(case.body, is_text=False)


def rest_api(case: Case) -> Event:
    """Payload format 1.0: header names as they were sent, each value in a list, a decoded query."""
    path, _, query = case.path.partition("?")
    given = [pair.partition("=")[::2] for pair in query.split("&") if pair]
    return {
        "resource": "/{proxy+}",
        "path": path,
        "httpMethod": case.method,
        "headers": dict(case.headers),
        "multiValueHeaders": {name: [value] for name, value in case.headers.items()},
        "queryStringParameters": dict(given) or None,
        "multiValueQueryStringParameters": {name: [value] for name, value in given} or None,
        "requestContext": {"stage": "prod", "httpMethod": case.method},
        **_body(case.body, is_text=_is_text(case.body)),
    }


def load_balancer(case: Case) -> Event:
    """An Application Load Balancer, without values in lists; its query stays as it was sent."""
    path, _, query = case.path.partition("?")
    target = "arn:aws:elasticloadbalancing:eu-central-1:123456789012:targetgroup/model/6d0e"
    return {
        "requestContext": {"elb": {"targetGroupArn": target}},
        "httpMethod": case.method,
        "path": path,
        "queryStringParameters": dict(p.partition("=")[::2] for p in query.split("&") if p),
        "headers": {name.lower(): value for name, value in case.headers.items()},
        **_body(case.body, is_text=_is_text(case.body)),
    }


GATEWAYS: dict[str, Callable[[Case], Event]] = {
    "function URL": function_url,
    "HTTP API": http_api,
    "REST API": rest_api,
    "load balancer": load_balancer,
}


def sent_back(reply: Mapping[str, Any]) -> Reply:
    """What the gateway makes of a reply."""
    if "multiValueHeaders" in reply:
        headers = {name: ", ".join(each) for name, each in reply["multiValueHeaders"].items()}
    else:
        headers = reply["headers"]
    body = reply["body"]
    content = base64.b64decode(body) if reply["isBase64Encoded"] else body.encode()
    return Reply(reply["statusCode"], headers["content-type"], content)


def _is_text(body: bytes) -> bool:
    try:
        body.decode()
    except UnicodeDecodeError:
        return False
    return True


def _body(body: bytes, *, is_text: bool) -> Event:
    text = body.decode() if is_text else base64.b64encode(body).decode()
    return {"body": text or None, "isBase64Encoded": bool(text) and not is_text}
