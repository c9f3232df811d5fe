"""Requests as the Open Inference Protocol has them: JSON, JSON with binary tensors, and gRPC.

    python tensors.py INPUTS BODIES FOLDER MODEL ...

INPUTS is JSON, the name and datatype of each tensor; BODIES has a request of /v1/predict on each
line. Writes json.txt; binary.txt, whose lines are the length of the head and everything in
hexadecimal digits; and MODEL.txt for gRPC, in hexadecimal digits too.
"""

import json
import math
import struct
import sys
from pathlib import Path
from typing import Any

from tritonclient.grpc import service_pb2

FORMATS = {"FP64": "<d", "INT64": "<q", "BOOL": "<?"}


def elements(kind: str, values: list[Any]) -> bytes:
    """Values as bytes, a text after its length."""
    if kind == "BYTES":
        texts = [text.encode() for text in known(kind, values)]
        return b"".join(struct.pack("<I", len(text)) + text for text in texts)
    return b"".join(struct.pack(FORMATS[kind], value) for value in known(kind, values))


def known(kind: str, values: list[Any]) -> list[Any]:
    """Values without null: NaN is a missing number, and the empty text a missing one."""
    return [("" if kind == "BYTES" else math.nan) if value is None else value for value in values]


def as_number(kind: str, value: Any) -> Any:
    """A truth value as the number that a tensor of numbers holds."""
    return float(value) if kind == "FP64" and isinstance(value, bool) else value


def as_json(columns: list[dict[str, Any]]) -> str:
    """A request whose elements stand in the JSON."""
    return json.dumps({"inputs": columns})


def as_nan(columns: list[dict[str, Any]]) -> str:
    """The same with NaN for null, which Triton takes for no number."""
    return as_json([each | {"data": known(each["datatype"], each["data"])} for each in columns])


def as_binary(columns: list[dict[str, Any]]) -> str:
    """A request whose elements stand behind the JSON, and which asks for such an answer."""
    parts = [elements(each["datatype"], each["data"]) for each in columns]
    heads = [
        {**each, "parameters": {"binary_data_size": len(part)}}
        for each, part in zip(columns, parts, strict=True)
    ]
    for head in heads:
        del head["data"]
    asked = {"inputs": heads, "parameters": {"binary_data_output": True}}
    head = json.dumps(asked).encode()
    return f"{len(head)} {(head + b''.join(parts)).hex()}"


def as_message(columns: list[dict[str, Any]], model: str) -> str:
    """The message of gRPC."""
    message = service_pb2.ModelInferRequest(model_name=model)
    for each in columns:
        message.inputs.add(name=each["name"], datatype=each["datatype"], shape=each["shape"])
        message.raw_input_contents.append(elements(each["datatype"], each["data"]))
    return message.SerializeToString().hex()


def main(inputs: str, bodies: str, folder: str, *models: str) -> None:
    """Write every form of the requests."""
    requests = []
    for line in Path(bodies).read_text(encoding="utf-8").splitlines():
        rows = json.loads(line)["rows"]
        requests.append(
            [
                {
                    "name": each["name"],
                    "shape": [len(rows), 1],
                    "datatype": each["datatype"],
                    "data": [as_number(each["datatype"], row[each["name"]]) for row in rows],
                }
                for each in json.loads(inputs)
            ]
        )
    found = {way.__name__[3:]: map(way, requests) for way in (as_json, as_nan, as_binary)}
    found |= {model: [as_message(each, model) for each in requests] for model in models}
    for name, lines in found.items():
        Path(folder, f"{name}.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
