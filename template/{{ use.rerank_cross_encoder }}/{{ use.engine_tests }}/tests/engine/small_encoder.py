"""A cross-encoder of a few words, made here: its scores can be worked out by hand."""

import re
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors

SPECIAL = ("[PAD]", "[CLS]", "[SEP]", "[UNK]")
OF_QUESTION = -0.5  # a word of the question counts so, beside one of the passage


def make(folder: Path, weights: dict[str, float], *, outputs: int = 1, also: str = "") -> None:
    """Write model.onnx and tokenizer.json: a pair's score is the sum of its words' weights.

    `outputs` values come for a pair, all but the last one zero; `also` is one more input that the
    model asks for.
    """
    folder.mkdir(parents=True, exist_ok=True)
    vocabulary = {word: number for number, word in enumerate((*SPECIAL, *weights))}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.Lowercase()
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]",
        pair="[CLS] $A [SEP] $B:1 [SEP]:1",
        special_tokens=[("[CLS]", 1), ("[SEP]", 2)],
    )
    tokenizer.save(str(folder / "tokenizer.json"))
    table = np.array([*[0.0] * len(SPECIAL), *weights.values()], np.float32)
    table[0] = 1e6  # padding that is not masked shows at once
    spread = np.zeros((1, outputs), np.float32)
    spread[0, -1] = 1
    fixed = {"table": table, "spread": spread, "axes": np.array([1], np.int64)}
    factor = {"base": np.float32(OF_QUESTION), "more": np.float32(1 - OF_QUESTION)}
    inputs = ["input_ids", "attention_mask", "token_type_ids", *filter(None, [also])]
    nodes = [
        helper.make_node("Gather", ["table", "input_ids"], ["weight"]),
        helper.make_node("Cast", ["attention_mask"], ["mask"], to=TensorProto.FLOAT),
        helper.make_node("Mul", ["weight", "mask"], ["seen"]),
        helper.make_node("Cast", ["token_type_ids"], ["second"], to=TensorProto.FLOAT),
        helper.make_node("Mul", ["second", "more"], ["above"]),
        helper.make_node("Add", ["above", "base"], ["factor"]),
        helper.make_node("Mul", ["seen", "factor"], ["counted"]),
        helper.make_node("ReduceSum", ["counted", "axes"], ["score"], keepdims=1),
        helper.make_node("MatMul", ["score", "spread"], ["logits"]),
    ]
    shape = ["pairs", "tokens"]
    graph = helper.make_graph(
        nodes,
        "small",
        [helper.make_tensor_value_info(n, TensorProto.INT64, shape) for n in inputs],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["pairs", outputs])],
        [numpy_helper.from_array(np.asarray(v), n) for n, v in {**fixed, **factor}.items()],
    )
    opset = [helper.make_opsetid("", 17)]
    onnx.save(helper.make_model(graph, opset_imports=opset, ir_version=9), folder / "model.onnx")


def expected(question: str, text: str, weights: dict[str, float]) -> float:
    """The score of a pair by hand."""

    def total(said: str) -> float:
        return sum(weights.get(word, 0.0) for word in re.findall(r"\w+|[^\w\s]+", said.lower()))

    return OF_QUESTION * total(question) + total(text)
