"""What MLServer loads: our application behind the tensors of the Open Inference Protocol.

`implementation` in model-settings.json names it. What stands there under `parameters.extra` wins
over settings.toml, such as the `store` of a candidate beside the champion.
"""

import asyncio
import atexit
import logging
import os
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlencode

import msgspec
import prometheus_client
from fastapi import Request, Response  # type: ignore[import-not-found]  # they come with MLServer
from mlserver import MLModel, types  # type: ignore[import-not-found]
from mlserver.errors import MLServerError  # type: ignore[import-not-found]
from mlserver.handlers import custom_handler  # type: ignore[import-not-found]

from engine.core.errors import RequestError
from engine.core.settings import Settings, load_settings
from engine.serving.in_process import InProcess
from engine.serving.rows import open_inference
from engine.serving.rows.open_inference import Tensor

PLATFORM = "python"
PREDICT = "/v1/predict"


class Runtime(MLModel):  # type: ignore[misc]
    """One model: the champion of a store."""

    def __init__(self, settings: Any) -> None:
        self._application: InProcess | None = None
        super().__init__(settings)

    @property
    def ready(self) -> bool:
        """Whether a version answers; MLServer asks for its readiness."""
        return bool(self._application and self._application.app.model.now)

    @ready.setter
    def ready(self, _value: bool) -> None:
        """MLServer's own opinion, which is true as soon as `load` ends."""

    async def load(self) -> bool:
        """Load the champion of the store."""
        logging.getLogger("mlserver.grpc").setLevel(logging.CRITICAL)  # it logs rows that are wrong
        parameters = self.settings.parameters
        settings = with_extra(load_settings(), (parameters and parameters.extra) or {})
        self._application = await asyncio.to_thread(InProcess, settings)
        # At its end MLServer unloads nothing, and then no thread may be started to close it all.
        atexit.register(self._application.flush)
        self._shown = Shown(self._application)
        prometheus_client.REGISTRY.register(self._shown)
        return True

    async def unload(self) -> bool:
        """Write out what is left."""
        if self._application:
            prometheus_client.REGISTRY.unregister(self._shown)
            atexit.unregister(self._application.flush)
            await asyncio.to_thread(self._application.close)
            self._application = None
        return True

    async def metadata(self) -> Any:
        """The tensors of the contract of the version that answers."""
        contract = self._contract()
        inputs, outputs = open_inference.inputs(contract), open_inference.outputs(contract)
        return types.MetadataModelResponse(
            name=self.name, platform=PLATFORM, versions=[], inputs=inputs, outputs=outputs
        )

    async def predict(self, payload: Any) -> Any:
        """Answer the rows of a request as /v1/predict does."""
        contract = self._contract()
        given = [
            Tensor(each.name, types.Datatype(each.datatype).value, each.shape, [*each.data])
            for each in payload.inputs
        ]
        try:
            body = open_inference.body(given, contract)
        except RequestError as error:
            raise MLServerError(str(error)) from None
        said = payload.parameters.model_dump() if payload.parameters else {}
        path = PREDICT
        if "explain" in said:
            path += "?" + urlencode({"explain": str(said["explain"]).lower()})
        key = {k: v for k, v in (said.get("headers") or {}).items() if k.lower() == "x-api-key"}
        answer = await self._ask("POST", path, body, {"content-type": "application/json", **key})
        if answer.status != 200:
            status = answer.status if answer.status in (401, 503) else 400
            raise MLServerError(told(answer.body), status)
        content = msgspec.json.decode(answer.body)
        wanted = {each.name for each in payload.outputs or []}
        return types.InferenceResponse(
            model_name=self.name,
            parameters=types.Parameters(**open_inference.parameters(content)),
            outputs=[
                types.ResponseOutput(
                    name=each.name, shape=each.shape, datatype=each.datatype, data=[*each.data]
                )
                for each in open_inference.tensors(content, contract)
                if not wanted or each.name in wanted
            ],
        )

    @custom_handler(rest_path=PREDICT)  # type: ignore[untyped-decorator]
    async def v1_predict(self, request: Request) -> Response:
        """The path of the HTTP server, for callers that do not speak tensors."""
        return await self._pass_on(request)

    @custom_handler(rest_path="/v1/outcomes")  # type: ignore[untyped-decorator]
    async def v1_outcomes(self, request: Request) -> Response:
        """What became of earlier predictions."""
        return await self._pass_on(request)

    @custom_handler(rest_path="/v1/model", rest_method="GET")  # type: ignore[untyped-decorator]
    async def v1_model(self, request: Request) -> Response:
        """Which version answers."""
        return await self._pass_on(request)

    async def _pass_on(self, request: Request) -> Response:
        query = f"?{request.url.query}" if request.url.query else ""
        answer = await self._ask(
            request.method, request.url.path + query, await request.body(), dict(request.headers)
        )
        headers = {k: v for k, v in answer.headers if k != "content-length"}
        return Response(answer.body, answer.status, headers)

    async def _ask(self, *asked: Any) -> Any:
        if self._application is None:
            raise MLServerError("the model is not loaded", 503)
        return await asyncio.wrap_future(self._application.begin(*asked))

    def _contract(self) -> Any:
        model: Any = self._application and self._application.app.model.now
        if not model:
            trouble = self._application.app.model.trouble if self._application else "not loaded"
            raise MLServerError(f"no model answers: {trouble}", 503)
        return model.contract


class Shown:
    """Our counters among MLServer's, by the names of the HTTP server."""

    def __init__(self, application: InProcess) -> None:
        self._collectors = application.app.metrics.collectors

    def collect(self) -> Iterator[Any]:
        """What Prometheus reads; MLServer counts the process itself."""
        for family in self._collectors.collect():
            if not family.name.startswith("process_"):
                yield family


def with_extra(settings: Settings, extra: Mapping[str, Any]) -> Settings:
    """Settings over which those of model-settings.json win.

    Raises SettingsError for one that does not exist, or has a value it may not have.
    """
    given = {f"APP_{name.upper()}": str(value) for name, value in extra.items()}
    return load_settings(env={**os.environ, **given}) if given else settings


def told(body: bytes) -> str:
    """What a problem document says, in one line."""
    problem = msgspec.json.decode(body)
    details = [each["detail"] for each in problem.get("problems", [])]
    return "; ".join(details) or str(problem["detail"])
