"""Traces as a collector gets them: a receiver of OTLP over HTTP decodes what the server sends."""

import gzip
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest as Export,
)
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from engine.retrieval import dense

from .stand_in import StandIn, Step, claims, encodes, playing, says, sends, slow
from .test_endpoint import CONTRACT, GOOD, QUESTION, QUOTE, stored
from .test_events import EVENTS, served

Json = dict[str, Any]
CAPTURE = "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT"
PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
ENCODER = '[retrieval]\ndense = "endpoint"\nencoder_model = "small-encoder"\n'


class Receiver(ThreadingHTTPServer):
    """A collector that keeps what it gets."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.got: list[Export] = []
        self.paths: set[str] = set()

    @property
    def spans(self) -> dict[str, Span]:
        """Spans by their names, of which each came once."""
        found = [
            span
            for export in self.got
            for resource in export.resource_spans
            for scope in resource.scope_spans
            for span in scope.spans
        ]
        assert len({span.name for span in found}) == len(found), [span.name for span in found]
        return {span.name: span for span in found}


class _Handler(BaseHTTPRequestHandler):
    server: Receiver

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        if self.headers.get("content-encoding") == "gzip":
            body = gzip.decompress(body)
        assert self.headers["content-type"] == "application/x-protobuf"
        self.server.paths.add(self.path)
        self.server.got.append(Export.FromString(body))
        self.send_response(200)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        """Nothing."""


@contextmanager
def receiving(monkeypatch: pytest.MonkeyPatch) -> Iterator[Receiver]:
    """A running receiver, to which servers send."""
    receiver = Receiver()
    thread = threading.Thread(target=receiver.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    address = f"http://127.0.0.1:{receiver.server_port}"
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", address)
    try:
        yield receiver
    finally:
        receiver.shutdown()
        thread.join()
        receiver.server_close()


def traced(
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    *steps: Step,
    contract: str = CONTRACT,
    **ask: Any,
) -> tuple[Receiver, StandIn, httpx.Response]:
    """What a collector got of one question, what the endpoint was asked, and the answer."""
    settings: dict[str, str] = {"name": "brightwell", **ask.pop("settings", {})}
    vectors = ask.pop("files", None)
    stored(folder, contract, **({"files": vectors} if vectors else {}))
    request: Json = {"json": {"question": QUESTION}, "timeout": 30} | ask
    with (
        receiving(monkeypatch) as receiver,
        playing(*steps) as endpoint,
        served(folder, endpoint, **settings) as server,
    ):
        reply = httpx.post(f"{server.url}/v1/ask", **request)
        log = server.ended()
    assert "Traceback" not in log, log
    return receiver, endpoint, reply


def facts(span: Span) -> Json:
    """The attributes of a span."""
    found: Json = {}
    for each in span.attributes:
        value = each.value
        kind = value.WhichOneof("value")
        if kind == "array_value":
            found[each.key] = [one.string_value for one in value.array_value.values]
        else:
            found[each.key] = getattr(value, kind or "")
    return found


def test_an_answer_is_a_trace_by_the_conventions(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    headers = {"traceparent": PARENT}
    receiver, endpoint, reply = traced(tmp_path, monkeypatch, GOOD, headers=headers)

    spans = receiver.spans
    assert receiver.paths == {"/v1/traces"}
    assert {*spans} == {"POST /v1/ask", "retrieval", "chat small-model"}
    ask, search, chat = (spans[name] for name in ("POST /v1/ask", "retrieval", "chat small-model"))
    assert {span.trace_id.hex() for span in spans.values()} == {PARENT.split("-")[1]}
    assert ask.parent_span_id.hex() == PARENT.split("-")[2]
    assert search.parent_span_id == chat.parent_span_id == ask.span_id
    assert (ask.kind, search.kind, chat.kind) == (
        Span.SPAN_KIND_SERVER,
        Span.SPAN_KIND_INTERNAL,
        Span.SPAN_KIND_CLIENT,
    )
    assert facts(chat) == {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "openai",
        "gen_ai.request.model": "small-model",
        "gen_ai.request.max_tokens": 500,
        "gen_ai.request.temperature": 0.0,
        "gen_ai.output.type": "json",
        "gen_ai.prompt.name": "src/app/prompts/answer.md",
        "gen_ai.prompt.version": facts(chat)["gen_ai.prompt.version"],
        "gen_ai.response.finish_reasons": ["stop"],
        "gen_ai.usage.input_tokens": 100,
        "gen_ai.usage.output_tokens": 20,
        "server.address": "127.0.0.1",
        "server.port": endpoint.server_port,
    }
    assert facts(search) == {
        "gen_ai.operation.name": "retrieval",
        "gen_ai.data_source.id": "corpus",
        "gen_ai.retrieval.top_k": 5,
        "app.answer.documents": ["cats.md"],
    }
    assert facts(ask) == {
        "http.request.method": "POST",
        "http.route": "/v1/ask",
        "url.path": "/v1/ask",
        "http.response.status_code": 200,
        "app.answer.id": reply.json()["id"],
        "app.answer.refused": False,
        "app.answer.fallback": False,
        "app.answer.method": "small-model",
        "app.answer.index_version": 1,
    }
    [resource] = {str(each.resource) for got in receiver.got for each in got.resource_spans}
    assert "brightwell" in resource
    assert endpoint.asked
    assert all(QUESTION not in str(got) and QUOTE not in str(got) for got in receiver.got)


def test_the_endpoint_gets_the_trace_of_the_call(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = list[str]()

    def looks(handler: Any, body: Json) -> None:
        given.append(handler.headers["traceparent"])
        GOOD(handler, body)

    receiver, _, _ = traced(tmp_path, monkeypatch, looks, headers={"traceparent": PARENT})

    chat = receiver.spans["chat small-model"]
    assert given == [f"00-{PARENT.split('-')[1]}-{chat.span_id.hex()}-01"]


@pytest.mark.parametrize(
    ("step", "kind"),
    [
        (sends(503, {}), "503"),
        (slow(3, GOOD), "timeout"),
        (says("", usage=True), "_OTHER"),
    ],
)
def test_a_call_that_fails_says_why(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: Step, kind: str
) -> None:
    settings = {"llm_attempts": "1", "lookup_ms": "1000"}
    receiver, _, reply = traced(tmp_path, monkeypatch, step, settings=settings)

    chat, ask = receiver.spans["chat small-model"], receiver.spans["POST /v1/ask"]
    assert reply.json()["fallback"] is True
    assert (chat.status.code, facts(chat)["error.type"]) == (2, kind)
    assert (ask.status.code, facts(ask)["app.answer.fallback"]) == (0, True)


def test_an_encoder_is_a_span_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    vectors = dense.unit(np.eye(3, dtype=np.float32))
    by_kind = encodes(lambda _: [1.0, 0.0, 0.0])

    def both(handler: Any, body: Json) -> None:
        (by_kind if "input" in body else GOOD)(handler, body)

    receiver, _, _ = traced(
        tmp_path,
        monkeypatch,
        both,
        contract=CONTRACT + ENCODER,
        files={dense.VECTORS: dense.dumped(vectors)},
    )

    embed = facts(receiver.spans["embeddings small-encoder"])
    assert embed["gen_ai.operation.name"] == "embeddings"
    assert embed["gen_ai.embeddings.dimension.count"] == 3
    assert "chat small-model" in receiver.spans


def test_an_answer_as_events_and_without_a_model_is_a_trace_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    contract = "[answer]\nrefuse_below = 0.4\n"
    receiver, _, reply = traced(
        tmp_path, monkeypatch, GOOD, contract=contract, headers=EVENTS | {"traceparent": PARENT}
    )

    ask, search = receiver.spans["POST /v1/ask"], receiver.spans["retrieval"]
    assert "event: done" in reply.text
    assert search.parent_span_id == ask.span_id
    assert ask.trace_id == search.trace_id == bytes.fromhex(PARENT.split("-")[1])


@pytest.mark.parametrize("logs", [True, False])
def test_texts_are_kept_where_both_ask_for_them_and_blotted_then(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, logs: bool
) -> None:
    monkeypatch.setenv(CAPTURE, "SPAN_ONLY")
    question = f"{QUESTION} asks ada@example.org"
    contract = CONTRACT + ("" if logs else "[privacy]\nlog_questions = false\n")
    step = claims("It sleeps for 14 hours.", (1, QUOTE))
    receiver, endpoint, _ = traced(
        tmp_path, monkeypatch, step, contract=contract, json={"question": question}
    )

    sent = "".join(map(str, receiver.got))
    assert endpoint.asked[0]["messages"][0]["content"].endswith(question)
    assert "ada@example.org" not in sent
    chat, search = facts(receiver.spans["chat small-model"]), facts(receiver.spans["retrieval"])
    assert ("gen_ai.input.messages" in chat) is logs
    assert ("gen_ai.retrieval.query.text" in search) is logs
    if logs:
        [told] = json.loads(chat["gen_ai.input.messages"])
        assert told["role"] == "user"
        assert told["parts"][0]["content"].endswith(f"{QUESTION} asks [e-mail address]")
        [said] = json.loads(chat["gen_ai.output.messages"])
        assert "14 hours" in said["parts"][0]["content"]


def test_without_a_collector_nothing_is_sent_and_nothing_is_said(tmp_path: Path) -> None:
    stored(tmp_path, CONTRACT)
    with playing(GOOD) as endpoint, served(tmp_path, endpoint) as server:
        ask: Json = {"json": {"question": QUESTION}, "timeout": 30}
        answer = httpx.post(f"{server.url}/v1/ask", **ask).json()
        log = server.ended()

    assert answer["method"] == "small-model"
    assert "opentelemetry" not in log


def test_a_collector_that_is_away_costs_no_answer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TIMEOUT", "1")
    stored(tmp_path, CONTRACT)
    with playing(GOOD) as endpoint, served(tmp_path, endpoint) as server:
        ask: Json = {"json": {"question": QUESTION}, "timeout": 30}
        answer = httpx.post(f"{server.url}/v1/ask", **ask).json()
        log = server.ended()

    assert answer["method"] == "small-model"
    assert "opentelemetry" in log
    assert "Traceback" not in log
