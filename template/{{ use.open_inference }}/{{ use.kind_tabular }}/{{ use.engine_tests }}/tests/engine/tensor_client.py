"""Another maker's server asked by tensors, and what it says as /v1/predict would write it."""

import contextlib
import socket
from typing import Any

import numpy as np
import pytest
from tritonclient import grpc, http

from engine.contract.schema import Contract
from engine.serving.rows import open_inference


def free_ports() -> int:
    """A port that is free, as are the two after it."""
    while True:
        with contextlib.ExitStack() as held, contextlib.suppress(OSError, OverflowError):
            first = held.enter_context(socket.create_server(("127.0.0.1", 0))).getsockname()[1]
            for port in (first + 1, first + 2):
                held.enter_context(socket.create_server(("127.0.0.1", port)))
            return int(first)


def infer(
    model: str, port: int, way: str, contract: Contract, rows: list[dict[str, Any]], **more: Any
) -> Any:
    """Ask by Triton's client, `way` being json, binary or grpc, which is at the next port."""
    module, address = (grpc, port + 1) if way == "grpc" else (http, port)
    inputs = []
    for each in open_inference.inputs(contract):
        name, kind = each["name"], each["datatype"]
        array = _array(kind, [row[name] for row in rows])
        inputs.append(module.InferInput(name, array.shape, kind))
        binary = {} if way == "grpc" else {"binary_data": way == "binary"}
        inputs[-1].set_data_from_numpy(array, **binary)
    outputs = None
    if way == "json":  # else the client asks for binary outputs
        named = [each["name"] for each in open_inference.outputs(contract)]
        outputs = [http.InferRequestedOutput(name, binary_data=False) for name in named]
    with module.InferenceServerClient(f"127.0.0.1:{address}") as client:
        return client.infer(model, inputs, outputs=outputs, **more)


def _array(kind: str, values: list[Any]) -> Any:
    """Nothing can be null here: NaN is a missing number, and the empty text a missing one."""
    if kind == "BYTES":
        return np.array([(v or "").encode() for v in values], object).reshape(-1, 1)
    numbers = [np.nan if value is None else value for value in values]
    return np.array(numbers, open_inference.NUMPY[kind]).reshape(-1, 1)


def said(result: Any, row: int) -> dict[str, Any]:
    """An answer of Triton as /v1/predict writes it, without its id."""
    found: dict[str, Any] = {"fallback": bool(result.as_numpy("fallback")[row][0])}
    if (labels := result.as_numpy("label")) is not None:
        label = labels[row][0]
        found["label"] = label.decode() if isinstance(label, bytes) else label
        found["probabilities"] = result.as_numpy("probabilities")[row].tolist()
    else:
        found["value"] = float(result.as_numpy("value")[row][0])
    return found


def expected(answer: dict[str, Any]) -> dict[str, Any]:
    """The same of an answer of /v1/predict."""
    found = {k: v for k, v in answer.items() if k not in ("id", "features")}
    if "probabilities" in found:
        shares = [*found["probabilities"].values()]
        found["probabilities"] = pytest.approx(shares, abs=1e-6)
    if "value" in found:
        found["value"] = pytest.approx(found["value"], rel=1e-6)
    return found


def ids(result: Any) -> list[str]:
    """The ids of an answer."""
    found = [each[0] for each in result.as_numpy("id")]
    return [each.decode() if isinstance(each, bytes) else each for each in found]
