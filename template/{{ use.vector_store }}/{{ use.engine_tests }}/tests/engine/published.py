"""A stand-in for a service that holds every request and answer to the service's published OpenAPI.

What the description does not name is refused with 422, and an answer that breaks it fails the test:
so neither the client nor the stand-in can speak an interface of their own.
"""

import copy
import json
import re
import threading
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar, NamedTuple
from urllib.parse import parse_qs, unquote, urlsplit

import jsonschema
import pytest

from engine.retrieval import vector_store
from engine.retrieval.nearest import NearestError

from .vector_checks import VectorChecks

Json = dict[str, Any]
KEY = "a-key"


class Refused(Exception):  # noqa: N818 - what the service says
    """The service says no."""

    def __init__(self, status: int, said: str) -> None:
        super().__init__(said)
        self.status = status


class Call(NamedTuple):
    """A request that the description knows."""

    path: str
    """As the description has it, with {names}."""
    method: str
    names: Mapping[str, str]
    query: Mapping[str, str]
    body: Any


class Description:
    """The published OpenAPI; for requests its objects are closed: a misspelt field is a fault."""

    def __init__(self, file: Path) -> None:
        self._document = json.loads(file.read_text(encoding="utf-8"))
        self._published = copy.deepcopy(self._document)
        _close(self._document)

    def call(self, method: str, url: str, content: bytes) -> Call:
        """The request as the description names it.

        Raises Refused for one that it does not allow.
        """
        parts = urlsplit(url)
        for path, methods in self._document["paths"].items():
            found = re.fullmatch(re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", path), parts.path)
            if found and method.lower() in methods:
                break
        else:
            raise Refused(404, f"{method} {parts.path} is not in the description")
        operation = methods[method.lower()]
        query = {name: values[-1] for name, values in parse_qs(parts.query).items()}
        known = {p["name"]: p for p in operation.get("parameters", []) if p["in"] == "query"}
        if unknown := query.keys() - known.keys():
            raise Refused(422, f"no parameter {unknown}")
        names = {name: unquote(value) for name, value in found.groupdict().items()}
        body = json.loads(content) if content else None
        if wanted := operation.get("requestBody"):
            schema = wanted["content"]["application/json"]["schema"]
            self._hold(body, schema, self._document)
        elif body is not None:
            raise Refused(422, "no body is wanted")
        return Call(path, method, names, query, body)

    def hold_answer(self, call: Call, content: Any) -> None:
        """Raise Refused where an answer is not one of the description."""
        responses = self._published["paths"][call.path][call.method.lower()]["responses"]
        if wanted := responses["200"].get("content"):
            self._hold(content, wanted["application/json"]["schema"], self._published)

    def _hold(self, value: Any, schema: Json, document: Json) -> None:
        whole = {**schema, "components": document["components"]}
        checker = jsonschema.Draft202012Validator(whole)
        fault = jsonschema.exceptions.best_match(checker.iter_errors(value))
        if fault:
            raise Refused(422, f"{fault.json_path}: {fault.message[:300]}")


def _close(schema: Any, *, is_part: bool = False) -> None:
    """Forbid what an object does not name; parts of an `allOf` name only theirs."""
    if isinstance(schema, list):
        for each in schema:
            _close(each, is_part=is_part)
    if not isinstance(schema, dict):
        return
    if isinstance(schema.get("properties"), dict) and not is_part:
        schema.setdefault("additionalProperties", False)
    for key, value in schema.items():
        _close(value, is_part=key == "allOf")


class Service(ThreadingHTTPServer):
    """Subclasses say what is done, in `answer`."""

    daemon_threads = True
    header, key = "api-key", KEY

    def __init__(self, description: Description) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.description = description
        self.delay = 0.0
        self.refusals: list[str] = []
        self.faults: list[str] = []
        """Answers that the description does not allow; a test ends with none."""
        self._waiting = threading.Event()

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.server_port}"

    def answer(self, call: Call) -> Any:
        """The content of a good answer."""
        raise NotImplementedError

    def handled(self, method: str, url: str, headers: Mapping[str, str], content: bytes) -> Any:
        """Status and content."""
        self._waiting.wait(self.delay)
        try:
            if headers.get(self.header) != self.key:
                raise Refused(401, "who are you?")
            call = self.description.call(method, url, content)
            found = self.answer(call)
        except Refused as error:
            self.refusals.append(str(error))
            return error.status, {
                "code": error.status,
                "message": str(error),
                "status": {"error": str(error)},
            }
        try:
            self.description.hold_answer(call, found)
        except Refused as error:
            self.faults.append(str(error))
        return 200, found

    @contextmanager
    def late(self, seconds: float) -> Iterator[None]:
        """Answer later."""
        self.delay = seconds
        try:
            yield
        finally:
            self.delay = 0.0
            self._waiting.set()


class _Handler(BaseHTTPRequestHandler):
    server: Service
    protocol_version = "HTTP/1.1"

    def _do(self) -> None:
        content = self.rfile.read(int(self.headers.get("content-length") or 0))
        status, found = self.server.handled(self.command, self.path, self.headers, content)
        body = json.dumps(found).encode()
        try:
            self.send_response(status)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)
        except OSError:  # nobody waits any more
            self.close_connection = True

    do_GET = do_POST = do_PUT = do_DELETE = _do  # noqa: N815 - the names of the library

    def log_message(self, *_: Any) -> None:
        """Nothing."""


@contextmanager
def running(service: Service) -> Iterator[Service]:
    """The service, until the test ends; every answer has to be one of its description."""
    thread = threading.Thread(target=service.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield service
    finally:
        service.shutdown()
        thread.join()
        service.server_close()
    assert service.faults == []


class ServedChecks(VectorChecks):
    """The checks of every vector store, for one that a Service stands in for.

    A class of tests for each store gives `service` and `no_addresses`.
    """

    service: ClassVar[type[Service]]
    no_addresses: ClassVar[tuple[str, ...]]

    @pytest.fixture(scope="class")
    @classmethod
    def server(cls) -> Iterator[Service]:
        """One for all tests of the class."""
        with running(cls.service()) as service:
            yield service

    @pytest.fixture
    def address(self, server: Service) -> dict[str, Any]:
        """Where the stand-in listens, and its key."""
        self.server = server
        return {"vector_url": server.url, "vector_key": KEY}

    def slow(self) -> AbstractContextManager[Any]:
        """Let every search take longer than vector_ms."""
        return self.server.late(1.2)

    @pytest.mark.parametrize("key", ["", "s3cret"])
    def test_a_wrong_key_is_named_and_not_shown(self, server: Service, key: str) -> None:
        with pytest.raises(NearestError, match=r"wants .*key \(APP_VECTOR_KEY\)") as said:
            vector_store.connect(server.url, key, 1.0, 100).names()
        assert "s3cret" not in str(said.value)

    def test_what_is_no_address_is_named(self) -> None:
        for url in self.no_addresses:
            with pytest.raises(NearestError, match="no address in vector_url"):
                vector_store.connect(url, KEY, 1.0, 100).names()
