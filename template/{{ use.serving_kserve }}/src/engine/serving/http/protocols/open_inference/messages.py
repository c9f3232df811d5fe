"""Requests and answers of the protocol as bytes: JSON, with tensors in binary behind it.

The extension for binary tensors is Triton's: a header says how long the JSON is, and the elements
follow in the order of the tensors. A text comes after its length, four bytes, little-endian.
"""

import struct
from collections.abc import Sequence
from typing import Any

import msgspec
import numpy as np

from engine.core.errors import Problem, RequestError
from engine.serving.http.replies import JSON, Header, Reply, encode
from engine.serving.rows.open_inference import NUMPY, Tensor, array
from engine.serving.rows.request import parse, shown

LENGTH = b"inference-header-content-length"
BINARY: Header = (b"content-type", b"application/octet-stream")

Parameters = dict[str, Any]


class Wanted(msgspec.Struct):
    """An output that a request asks for."""

    name: str
    parameters: Parameters = {}


class Given(Tensor):
    """An input; in binary its elements stand behind the JSON."""

    shape: list[int]
    data: list[Any] | None = None
    parameters: Parameters = msgspec.field(default_factory=dict)


class Request(msgspec.Struct):
    """A request; fields that are not known here are not looked at, as clients send some."""

    inputs: list[Given]
    id: str | None = None
    outputs: list[Wanted] = []
    parameters: Parameters = {}

    @property
    def explain(self) -> bool:
        """Whether the answers are wanted with what moved them.

        Raises RequestError when the parameter is neither true nor false.
        """
        wanted = self.parameters.get("explain", False)
        if not isinstance(wanted, bool):
            detail = f"the parameter explain is {shown(wanted)!r}; it must be true or false"
            raise RequestError([Problem("true or false", detail)])
        return wanted


_decode = msgspec.json.Decoder(Request).decode


def read(body: bytes, length: bytes | None = None) -> tuple[Request, list[Tensor]]:
    """A request and its inputs out of a body, whose first `length` bytes are JSON; else all are.

    Raises RequestError for what is no request of the protocol.
    """
    size = len(body)
    if length is not None:
        size = int(length) if length.isdigit() and len(length) < 10 else -1
    if not 0 <= size <= len(body):
        said = (length or b"").decode("latin-1")[:20]
        detail = f"the header says that the JSON has {said!r} bytes; the body has {len(body)}"
        raise RequestError([Problem("Inference-Header-Content-Length", detail)])
    request = _request(body[:size])
    rest = memoryview(body)[size:]
    tensors: list[Tensor] = []
    for given in request.inputs:
        if "binary_data_size" in given.parameters:
            data, rest = _elements(given, rest)
            tensors.append(Tensor(given.name, given.datatype, given.shape, data))
        elif given.data is None:
            raise _wrong(given, "data or binary_data_size", "has neither of them")
        else:
            tensors.append(given)
    if rest:
        rule = "no bytes but those of tensors"
        raise RequestError([Problem(rule, f"{len(rest)} bytes at the end belong to no tensor")])
    return request, tensors


def require_known(request: Request, names: Sequence[str]) -> None:
    """Refuse a request for an output that there is not, before anything is answered.

    Raises RequestError naming it.
    """
    for wanted in request.outputs:
        if wanted.name not in names:
            asked = f"one of {', '.join(names)}"
            detail = f"there is no output {shown(wanted.name)!r}; it must be {asked}"
            raise RequestError([Problem(asked, detail)])


def written(request: Request, tensors: Sequence[Tensor], about: Parameters) -> Reply:
    """The outputs that a request asked for, or all, with `about`: name, model_version, run_id."""
    known = {tensor.name: tensor for tensor in tensors}
    usual = bool(request.parameters.get("binary_data_output", False))
    chosen = request.outputs or [Wanted(name) for name in known]
    parts: list[bytes] = []
    outputs = []
    for wanted in chosen:
        tensor = known.get(wanted.name)
        if tensor is None:  # the fallback explains nothing
            continue
        output = {"name": tensor.name, "datatype": tensor.datatype, "shape": tensor.shape}
        if wanted.parameters.get("binary_data", usual):
            parts.append(_bytes(tensor))
            outputs.append({**output, "parameters": {"binary_data_size": len(parts[-1])}})
        else:
            outputs.append({**output, "data": tensor.data})
    content = {
        "model_name": about["name"],
        "model_version": str(about["model_version"]),
        **({} if request.id is None else {"id": request.id}),
        "parameters": {"run_id": about["run_id"]},
        "outputs": outputs,
    }
    head = encode(content)
    if not parts:
        return Reply(200, head, (JSON,))
    return Reply(200, b"".join([head, *parts]), (BINARY, (LENGTH, b"%d" % len(head))))


def _request(content: bytes) -> Request:
    try:
        return _decode(content)
    except (msgspec.MsgspecError, RecursionError, UnicodeError):
        document = parse(content)  # it may hold NaN, which clients write and JSON has not
    try:
        request = msgspec.convert(document, Request)
        encode([request.id, [wanted.name for wanted in request.outputs]])
    except (msgspec.MsgspecError, RecursionError, UnicodeError, OverflowError) as error:
        detail = f"the body is no request of the Open Inference Protocol: {error}"
        raise RequestError([Problem("shape", detail)]) from None
    return request


def _elements(given: Given, raw: memoryview) -> tuple[Any, memoryview]:
    """The elements of a tensor, and the bytes behind them."""
    size = given.parameters["binary_data_size"]
    if type(size) is not int or not 0 <= size <= len(raw):
        found = f"says {shown(size)!r} bytes, where {len(raw)} are left"
        raise _wrong(given, "a binary_data_size that is there", found)
    own, rest = raw[:size], raw[size:]
    if given.datatype == "BYTES":
        return _texts(given, own), rest
    kind = NUMPY.get(given.datatype)
    if kind is None or size % np.dtype(kind).itemsize:
        rule = f"BYTES, or whole elements of {', '.join(NUMPY)}"
        raise _wrong(given, rule, f"has {size} bytes of {given.datatype[:20]!r}")
    return np.frombuffer(own, kind), rest


def _texts(given: Given, raw: memoryview) -> list[bytes]:
    found, at = [], 0
    while at + 4 <= len(raw):
        [size] = struct.unpack_from("<I", raw, at)
        found.append(bytes(raw[at + 4 : at + 4 + size]))
        at += 4 + size
    if at != len(raw):
        raise _wrong(given, "texts after their lengths", "ends within one")
    return found


def _bytes(tensor: Tensor) -> bytes:
    elements = array(tensor)
    if tensor.datatype != "BYTES":
        return elements.tobytes()
    return b"".join(struct.pack("<I", len(text)) + text for text in elements.ravel().tolist())


def _wrong(given: Given, rule: str, found: str) -> RequestError:
    detail = f"input tensor {shown(given.name)!r} {found}; it must have {rule}"
    return RequestError([Problem(rule, detail, column=shown(given.name))])
