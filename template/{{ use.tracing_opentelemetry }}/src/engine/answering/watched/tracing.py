"""Traces of answers for OpenTelemetry, by OTLP over HTTP to OTEL_EXPORTER_OTLP_ENDPOINT.

Names are those of the GenAI semantic conventions 0.1.0 (status: Development) and lie in this file.
Without an endpoint nothing is made or sent. Texts are left out, unless
OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT asks for them and the contract logs questions;
then they are blotted as in the log.
"""

import contextlib
import functools
import json
import os
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlsplit

from opentelemetry import context, propagate, trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import Span, SpanKind, StatusCode

from engine.answering.watched import Facts, Step
from engine.core.settings import load_settings
from engine.corpus.screen import blotted

ENDPOINTS = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
CAPTURE = "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT"
CAPTURES = ("true", "span_only", "span_and_event")
CONVENTIONS = "https://opentelemetry.io/schemas/gen-ai/0.1.0"
PROVIDER = "openai"  # the interface that is spoken, whoever answers
KINDS = {"ask": SpanKind.SERVER, "embed": SpanKind.CLIENT, "chat": SpanKind.CLIENT}
OPERATIONS = {"search": "retrieval", "embed": "embeddings", "chat": "chat"}
PORTS = {"http": 80, "https": 443}
ATTRIBUTES = {
    "model": "gen_ai.request.model",
    "max_tokens": "gen_ai.request.max_tokens",
    "temperature": "gen_ai.request.temperature",
    "form": "gen_ai.output.type",
    "prompt": "gen_ai.prompt.name",
    "prompt_version": "gen_ai.prompt.version",
    "dimensions": "gen_ai.embeddings.dimension.count",
    "top_k": "gen_ai.retrieval.top_k",
    "index": "gen_ai.data_source.id",
    "answered_by": "gen_ai.response.model",
    "response": "gen_ai.response.id",
    "finish": "gen_ai.response.finish_reasons",
    "input_tokens": "gen_ai.usage.input_tokens",
    "output_tokens": "gen_ai.usage.output_tokens",
    "verb": "http.request.method",
    "route": "http.route",
    "path": "url.path",
    "status": "http.response.status_code",
}
OWN = ("id", "refused", "fallback", "cached", "method", "index_version", "documents")
TEXTS: dict[str, tuple[str, Callable[[str], str]]] = {
    "query": ("gen_ai.retrieval.query.text", lambda text: text),
    "told": ("gen_ai.input.messages", lambda text: _message("user", text)),
    "said": ("gen_ai.output.messages", lambda text: _message("assistant", text)),
}


class Traced(Step):
    """A step as a span."""

    def __init__(self, span: Span, *, is_private: bool) -> None:
        self._span, self._is_private = span, is_private

    def note(self, **facts: Any) -> None:
        """See Step."""
        for name, value in facts.items():
            if value is None:
                continue
            if name in TEXTS:
                attribute, form = TEXTS[name]
                if _captures() and not self._is_private:
                    self._span.set_attribute(attribute, form(blotted(value)))
            elif name in ATTRIBUTES:
                self._span.set_attribute(ATTRIBUTES[name], value)
            elif name in OWN:
                self._span.set_attribute(f"app.answer.{name}", value)

    def fail(self, kind: str) -> None:
        """See Step."""
        self._span.set_attribute("error.type", kind)
        self._span.set_status(StatusCode.ERROR)


@contextlib.contextmanager
def follow(name: str, within: Any, facts: Facts) -> Iterator[Step]:
    """See Follower."""
    parent = within
    if "headers" in facts:
        parent = propagate.extract(facts["headers"])
    known = {ATTRIBUTES[n]: value for n, value in facts.items() if n in ATTRIBUTES}
    if name in OPERATIONS:
        known |= {"gen_ai.operation.name": OPERATIONS[name]}
    if "url" in facts:
        known |= {"gen_ai.provider.name": PROVIDER, **_server(facts["url"])}
    with _tracer().start_as_current_span(
        _named(name, facts),
        context=parent,
        kind=KINDS.get(name, SpanKind.INTERNAL),
        attributes=known,
        record_exception=False,  # its text may hold what was asked
        set_status_on_exception=False,
    ) as span:
        step = Traced(span, is_private=bool(facts.get("is_private")))
        step.note(**{n: value for n, value in facts.items() if n in TEXTS or n in OWN})
        try:
            yield step
        except BaseException as error:
            step.fail(type(error).__name__)
            raise


def here() -> Any:
    """See Follower."""
    return context.get_current()


def headers() -> dict[str, str]:
    """See Follower."""
    found: dict[str, str] = {}
    propagate.inject(found)
    return found


def close() -> None:
    """See Follower."""
    if provider := _provider():
        provider.force_flush(5000)


def _named(name: str, facts: Facts) -> str:
    """A name that has few values, as the conventions want it."""
    if name == "ask":
        return f"{facts['verb']} {facts['route']}"
    operation = OPERATIONS[name]
    return f"{operation} {facts['model']}" if "model" in facts else operation


def _server(url: str) -> dict[str, Any]:
    parts = urlsplit(url)
    port = parts.port or PORTS.get(parts.scheme, 443)
    return {"server.address": parts.hostname or "", "server.port": port}


def _message(role: str, text: str) -> str:
    return json.dumps([{"role": role, "parts": [{"type": "text", "content": text}]}])


def _captures() -> bool:
    return os.environ.get(CAPTURE, "").lower() in CAPTURES


@functools.cache
def _provider() -> TracerProvider | None:
    """What makes spans and sends them; nothing where no endpoint is set."""
    if not any(os.environ.get(name) for name in ENDPOINTS):
        return None
    provider = TracerProvider(resource=_resource())
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    return provider


def _resource() -> Resource:
    """Who sends: the project's name, unless OTEL_SERVICE_NAME has another."""
    name = os.environ.get("OTEL_SERVICE_NAME") or load_settings().name
    return Resource.create({"service.name": name})


@functools.cache
def _tracer() -> trace.Tracer:
    provider = _provider() or trace.NoOpTracerProvider()
    return provider.get_tracer("engine.answering", schema_url=CONVENTIONS)
