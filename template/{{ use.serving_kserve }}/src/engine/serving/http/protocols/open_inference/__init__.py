"""The REST paths of the Open Inference Protocol (version 2), which KServe's clients speak.

A request becomes the body of /v1/predict, so that checks, ids, log, fallback and messages are the
very same. Beside JSON it takes and gives tensors in binary, which is what Triton's client sends
unless it is told otherwise.

Protocol: https://github.com/kserve/open-inference-protocol, specification/protocol.
"""

import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from engine.core.settings import Settings
from engine.serving.http.body import Receive, Scope
from engine.serving.http.endpoints import Endpoints
from engine.serving.http.protocols.open_inference import description, messages
from engine.serving.http.replies import JSON, Refusal, Reply, encode
from engine.serving.rows import open_inference

PREFIX = "/v2"
PLATFORM = "onnxruntime_onnx"  # as Triton calls what opens model.onnx
VERSION = "1"  # of this server's own interface, /v1
EXTENSIONS = ["binary_tensor_data"]
KINDS = (b"application/json", b"application/octet-stream", b"")  # Triton's client says nothing

Endpoint = Callable[[Scope, Receive], Awaitable[Reply]]


def paths(to: Endpoints, settings: Settings) -> dict[str, dict[str, Endpoint]]:
    """Every path of the protocol, with its methods."""
    found = _Paths(to, settings)
    model = f"{PREFIX}/models/{settings.name}"
    read = {
        PREFIX: found.about_server,
        f"{PREFIX}/": found.about_server,
        f"{PREFIX}/health/live": found.alive,
        f"{PREFIX}/health/ready": found.ready,
    }
    infer: dict[str, dict[str, Endpoint]] = {}
    for place in (model, f"{model}/versions/{{version}}"):
        read |= {place: found.about_model, f"{place}/ready": found.model_ready}
        infer[f"{place}/infer"] = {"POST": found.infer}
    return infer | {path: {"GET": each, "HEAD": each} for path, each in read.items()}


def described(model: Any, settings: Settings) -> tuple[dict[str, dict[str, Any]], dict[str, Any]]:
    """The paths of the protocol as OpenAPI has them, for the model that answers."""
    contract, name = model.contract, settings.name
    rows = model.described().request["rows"]
    has_key = bool(settings.api_key)
    operations = description.operations(contract, name, model.version, rows, has_key=has_key)
    return operations, description.schemas(contract)


def refused(refusal: Refusal) -> Reply:
    """A refusal as the protocol words it; one that names a rule has the status 400."""
    said = refusal.reply()
    content: dict[str, Any] = {"error": refusal.detail}
    if refusal.problems:
        content["problems"] = [problem.as_dict() for problem in refusal.problems]
    status = 400 if said.status == 422 else said.status
    return Reply(status, encode(content), (JSON, *said.headers[1:]))


class _Paths:
    """What each path does."""

    def __init__(self, to: Endpoints, settings: Settings) -> None:
        self._to, self._name, self._most_rows = to, settings.name, settings.request_rows

    async def infer(self, scope: Scope, receive: Receive) -> Reply:
        """Answer rows that come as tensors, one for each column."""
        start = time.perf_counter()
        headers: Mapping[bytes, bytes] = dict(scope["headers"])
        if b"content-type" not in headers and b"origin" in headers:  # a page of another site
            raise Refusal(415, "send JSON with the header Content-Type: application/json")
        content = await self._to.read(scope, receive, KINDS)
        model = self._model(scope)
        request, tensors = messages.read(content, headers.get(messages.LENGTH))
        if request.outputs:
            names = [each["name"] for each in open_inference.outputs(model.contract)]
            messages.require_known(request, names + ["explanation"] * request.explain)
        body = open_inference.body(tensors, model.contract, self._most_rows)
        answer = await self._to.answer(body, explain=request.explain)
        found = open_inference.tensors(answer, model.contract)
        about = {"name": self._name, **open_inference.parameters(answer)}
        reply = messages.written(request, found, about)
        self._to.metrics.latency.observe(time.perf_counter() - start)
        return reply

    async def about_server(self, _scope: Scope, _receive: Receive) -> Reply:
        """Say what answers here."""
        return _said({"name": self._name, "version": VERSION, "extensions": EXTENSIONS})

    async def about_model(self, scope: Scope, _receive: Receive) -> Reply:
        """Say which tensors a request and its answer hold."""
        model = self._model(scope)
        contract, about = model.contract, model.about
        return _said(
            {
                "name": self._name,
                "versions": [str(model.version)],
                "platform": PLATFORM,
                "inputs": open_inference.inputs(contract),
                "outputs": open_inference.outputs(contract),
                "properties": {key: about[key] for key in ("run_id", "task", "target", "family")},
            }
        )

    async def alive(self, scope: Scope, receive: Receive) -> Reply:
        """Say that the process works."""
        await self._to.alive(scope, receive)
        return _said({"live": True})

    async def ready(self, scope: Scope, receive: Receive) -> Reply:
        """Say whether requests should be sent here."""
        await self._to.ready(scope, receive)
        return _said({"ready": True})

    async def model_ready(self, scope: Scope, receive: Receive) -> Reply:
        """Say whether the model, in the version that is asked for, answers."""
        self._model(scope)
        await self._to.ready(scope, receive)
        return _said({"name": self._name, "ready": True})

    def _model(self, scope: Scope) -> Any:
        """The model that answers.

        Raises Refusal when there is none, or when the path names another version.
        """
        model = self._to.model_now()
        _, _, rest = scope["path"].partition("/versions/")
        asked = rest.partition("/")[0]
        if asked and asked != str(model.version):
            detail = f"version {asked[:20]!r} does not answer here; version {model.version} does"
            raise Refusal(404, detail)
        return model


def _said(content: dict[str, Any]) -> Reply:
    return Reply(200, encode(content))
