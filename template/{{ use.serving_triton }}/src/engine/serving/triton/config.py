"""config.pbtxt: tensors, batching, instances and warm-up in Triton's words.

Fields: https://github.com/triton-inference-server/common, protobuf/model_config.proto.
"""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import onnxruntime

from engine.contract.schema import Contract
from engine.core.settings import Settings
from engine.serving.rows import open_inference

TYPES = {
    "tensor(bool)": "TYPE_BOOL",
    "tensor(double)": "TYPE_FP64",
    "tensor(float)": "TYPE_FP32",
    "tensor(int64)": "TYPE_INT64",
    "tensor(string)": "TYPE_STRING",
}
BESIDE = {"model_version": "INT64", "run_id": "BYTES"}  # outputs that say the same for each row
WARM_ROWS = (1, 64)


def whole(contract: Contract, name: str, settings: Settings) -> str:
    """The model that keeps the whole contract: checks, fallback, ids and log, in Python.

    It scores examples before it takes over, so Triton's own warm-up, whose rows would stand in the
    prediction log, is left out.
    """
    inputs = open_inference.inputs(contract)
    outputs = open_inference.outputs(contract)
    others = {**BESIDE, "explanation": "BYTES"}
    outputs += [{"name": n, "datatype": kind, "shape": [-1, 1]} for n, kind in others.items()]
    return "\n".join(
        [
            f"name: {_quoted(name)}",
            'backend: "python"',
            f"max_batch_size: {settings.request_rows}",
            *(_tensor("input", each) for each in inputs),
            *(_tensor("output", each) for each in outputs),
            "# One process holds the application; more traffic takes more containers. Requests",
            "# come to it one by one: Triton's dynamic batcher, which would hand over several,",
            "# forgets now and then to wake up for a model as quick as this, for half a second.",
            "instance_group { count: 1 kind: KIND_CPU }",
            "",
        ]
    )


def bare(model: Path, name: str, version: int, instances: int, settings: Settings) -> str:
    """model.onnx by itself, for Triton's onnxruntime backend: no checks, ids, log or fallback.

    `version` is that of the registry; a folder of this name holds the file.
    """
    session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    inputs = {each.name: (TYPES[each.type], each.shape[1:]) for each in session.get_inputs()}
    outputs = {each.name: (TYPES[each.type], each.shape[1:]) for each in session.get_outputs()}
    return "\n".join(
        [
            f"name: {_quoted(name)}",
            'backend: "onnxruntime"',
            f"max_batch_size: {settings.request_rows}",
            _message("version_policy", _message("specific", f"versions: [{version}]")),
            *_plain("input", inputs),
            *_plain("output", outputs),
            _message("instance_group", f"count: {instances} kind: KIND_CPU"),
            _message(
                "dynamic_batching",
                _message("default_queue_policy", f"max_queue_size: {settings.queue_rows}"),
            ),
            *(_warm_up(rows, inputs) for rows in WARM_ROWS),
            "# An instance takes one core; more instances use more of them.",
            *(
                _message("parameters", f'key: "{key}"', _message("value", 'string_value: "1"'))
                for key in ("intra_op_thread_count", "inter_op_thread_count")
            ),
            "",
        ]
    )


def _tensor(side: str, is_: Mapping[str, Any]) -> str:
    kind = "TYPE_STRING" if is_["datatype"] == "BYTES" else f"TYPE_{is_['datatype']}"
    width = is_["shape"][1]  # beside the rows
    return _message(side, f"name: {_quoted(is_['name'])} data_type: {kind} dims: [{width}]")


def _plain(side: str, tensors: Mapping[str, tuple[str, list[int]]]) -> Iterable[str]:
    for name, (kind, dims) in tensors.items():
        # Triton wants a dimension beside the rows; onnxruntime gets the shape that the file has.
        shape = f"dims: {json.dumps(dims)}" if dims else "dims: [1] reshape { shape: [] }"
        yield _message(side, f"name: {_quoted(name)} data_type: {kind} {shape}")


def _warm_up(rows: int, inputs: Mapping[str, tuple[str, list[int]]]) -> str:
    found = []
    for name, (kind, dims) in inputs.items():
        value = _message("value", f"data_type: {kind} dims: {dims} zero_data: true")
        found.append(_message("inputs", f"key: {_quoted(name)}", value))
    return _message("model_warmup", f'name: "{rows} rows" batch_size: {rows}', *found)


def _message(name: str, *parts: str) -> str:
    """A part with parts of its own."""
    return " ".join([name, "{", *parts, "}"])


def _quoted(text: object) -> str:
    return json.dumps(text, ensure_ascii=False)
