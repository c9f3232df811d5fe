"""Two ONNX graphs as one: what the first gives, the second takes."""

from collections.abc import Mapping

import onnx
import onnx.compose
import onnx.version_converter

OPSET = 21  # of what ndonnx traces; an export may say that an older one is enough for it


def joined(first: bytes, second: bytes, takes: Mapping[str, str], prefix: str) -> bytes:
    """One model with the inputs of the first and the outputs of the second.

    `takes` gives the output of the first by an input of the second; inputs that the second does not
    have are passed over. `prefix` goes before every name in the second, so that none comes twice.
    The same bytes for the same graphs.
    """
    before, behind = (
        onnx.version_converter.convert_version(onnx.load_from_string(part), OPSET)
        for part in (first, second)
    )
    behind = onnx.compose.add_prefix(behind, prefix, rename_outputs=False)
    before.ir_version = behind.ir_version = max(before.ir_version, behind.ir_version)
    asked = {item.name for item in behind.graph.input}
    pairs = [(output, f"{prefix}{name}") for name, output in takes.items()]
    both = onnx.compose.merge_models(
        before, behind, io_map=[pair for pair in pairs if pair[1] in asked]
    )
    del both.graph.output[: len(both.graph.output) - len(behind.graph.output)]
    both.opset_import.sort(key=lambda item: item.domain)
    content: bytes = both.SerializeToString(deterministic=True)
    return content
