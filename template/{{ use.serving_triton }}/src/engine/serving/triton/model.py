"""What Triton's Python backend calls: our application behind Triton's tensors."""

import importlib
import json
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

import msgspec

from engine.contract.schema import Contract
from engine.core.errors import RequestError
from engine.core.settings import load_settings
from engine.serving.in_process import Answer, InProcess
from engine.serving.rows import open_inference
from engine.serving.rows.open_inference import Tensor
from engine.serving.triton.config import BESIDE
from engine.serving.triton.metrics import Shown

DATATYPES = {
    "|b1": "BOOL",
    "|O": "BYTES",
    **{array: name for name, array in open_inference.NUMPY.items() if name != "BOOL"},
}


class TritonPythonModel:
    """The champion; Triton makes one in each process of the Python backend."""

    def initialize(self, _args: Mapping[str, str]) -> None:
        """Load the champion; settings come from settings.toml and APP_ variables as ever."""
        self._triton = importlib.import_module("triton_python_backend_utils")
        self._application = InProcess(load_settings())
        self._shown = Shown(self._triton, self._application.app.metrics.collectors)

    def execute(self, requests: Sequence[Any]) -> list[Any]:
        """Answer requests; those that come in one call are scored together."""
        asked = [self._begin(request) for request in requests]
        return [self._response(each) for each in asked]

    def finalize(self) -> None:
        """Write out what is left."""
        self._shown.close()
        self._application.close()

    def _begin(self, request: Any) -> Any:
        parameters = json.loads(request.parameters() or "{}")
        model: Any = self._application.app.model.now
        if model is None:
            return None, self._application.begin("POST", "/v1/predict")
        contract: Contract = model.contract
        tensors = [_tensor(each.name(), each.as_numpy()) for each in request.inputs()]
        try:
            body = open_inference.body(tensors, contract)
        except RequestError as error:
            return error
        path = "/v1/predict"
        if "explain" in parameters:
            path += "?" + urlencode({"explain": json.dumps(parameters["explain"]).strip('"')})
        headers = {"content-type": "application/json", **_key(parameters)}
        return contract, self._application.begin("POST", path, body, headers)

    def _response(self, asked: Any) -> Any:
        triton = self._triton
        if isinstance(asked, RequestError):
            return self._refusal(400, str(asked))
        contract, future = asked
        answer: Answer = future.result()
        if answer.status != 200:
            return self._refusal(answer.status, told(answer.body))
        content = msgspec.json.decode(answer.body)
        found = [*open_inference.tensors(content, contract), *_beside(content)]
        outputs = [triton.Tensor(each.name, open_inference.array(each)) for each in found]
        return triton.InferenceResponse(outputs)

    def _refusal(self, status: int, why: str) -> Any:
        kind = self._triton.TritonError
        code = {503: kind.UNAVAILABLE, 404: kind.NOT_FOUND, 500: kind.INTERNAL}
        error = kind(why, code.get(status, kind.INVALID_ARG))
        return self._triton.InferenceResponse([], error)


def told(body: bytes) -> str:
    """What a problem document says, in one line."""
    problem = msgspec.json.decode(body)
    details = [each["detail"] for each in problem.get("problems", [])]
    return "; ".join(details) or str(problem["detail"])


def _tensor(name: str, array: Any) -> Tensor:
    return Tensor(name, DATATYPES[array.dtype.str], array.shape, array)


def _beside(content: Mapping[str, Any]) -> list[Tensor]:
    """What holds for the whole answer: this Triton's Python backend returns no parameters."""
    said, rows = open_inference.parameters(content), len(content["predictions"])
    return [
        Tensor(name, datatype, [rows, 1], [said[name]] * rows) for name, datatype in BESIDE.items()
    ]


def _key(parameters: Mapping[str, Any]) -> dict[str, str]:
    """The header with the key, which Triton forwards as a parameter in the caller's spelling."""
    return {n: str(v) for n, v in parameters.items() if n.lower() == "x-api-key"}
