"""The bundle's model fed with numbers for categories: the same graph, the same scores, no texts.

Comparing texts row by row costs onnxruntime more than everything else in a batch. So every encoder
of categories in the graph is rewritten to take the position of a value in the contract's list.
"""

from typing import Any

import numpy as np
import onnx
import onnx.numpy_helper
from numpy.typing import NDArray

from engine.batch.rows.checker import MISSING
from engine.contract.schema import Contract
from engine.registry.bundle import Bundle
from engine.registry.predictor import Predictor, Scores, open_session

CATEGORIES = "categories"
ENCODERS = {"OneHotEncoder": "cats_strings", "LabelEncoder": "keys_strings"}
PICKS = ("Gather", "ArrayFeatureExtractor")


class CodedModel:
    """Scores [rows, n] numbers and [rows, m] codes as `rows.Checker` makes them."""

    def __init__(self, bundle: Bundle, threads: int = 1) -> None:
        self.predictor = Predictor(bundle, threads=threads)
        self._contract = bundle.contract
        graph = with_codes(bundle.model, bundle.contract)
        self.is_coded = graph is not None
        if graph is not None:
            self._session = open_session(graph, threads)
            self._inputs = {item.name for item in self._session.get_inputs()}
            self._output = [self._session.get_outputs()[-1].name]

    def score(self, numbers: NDArray[np.float32], codes: NDArray[np.int64]) -> Scores:
        """[rows, classes] probabilities or [rows, 1] values."""
        return self.score_encoded((numbers, codes if self.is_coded else self.texts(codes)))

    def score_encoded(self, inputs: tuple[NDArray[Any], NDArray[Any]]) -> Scores:
        """The same for what the graph takes: codes, or texts where it could not be rewritten."""
        numbers, categories = inputs
        if not self.is_coded:
            return self.predictor.score_inputs((numbers, categories))
        feed = {"numbers": numbers, CATEGORIES: categories}
        wanted = {name: array for name, array in feed.items() if name in self._inputs}
        scores: Scores = self._session.run(self._output, wanted)[0]
        return scores

    def code(self, name: str, text: str) -> int:
        """The code of one value of a category."""
        values = self._contract.features[name].values
        return values.index(text) if text in values else MISSING

    def texts(self, codes: NDArray[np.int64]) -> NDArray[np.object_]:
        """Codes back to texts, for a graph that could not be rewritten."""
        columns = [
            np.array([*self._contract.features[name].values, ""], dtype=object)[codes[:, place]]
            for place, name in enumerate(self._contract.categories)
        ]
        return np.stack(columns, axis=1) if columns else np.empty(codes.shape, dtype=object)


def with_codes(model: bytes, contract: Contract) -> bytes | None:
    """The model with integers for categories; None when its graph is not of the expected form."""
    loaded = onnx.load_from_string(model)
    graph = loaded.graph
    wanted = [item for item in graph.input if item.name == CATEGORIES]
    if not wanted:
        return model
    columns = {CATEGORIES: 0} if len(contract.categories) == 1 else {}
    constants = {item.name: onnx.numpy_helper.to_array(item) for item in graph.initializer}
    for node in graph.node:
        if node.op_type in PICKS and node.input[0] in (CATEGORIES, *columns):
            picked = constants.get(node.input[1], np.array([]))
            if picked.size != 1:
                return None
            columns[node.output[0]] = columns.get(node.input[0], int(picked.item()))
        elif node.op_type in ENCODERS and node.input[0] in columns:
            _encode(node, contract.features[contract.categories[columns[node.input[0]]]].values)
        elif {CATEGORIES, *columns} & {*node.input}:
            return None
    wanted[0].type.tensor_type.elem_type = onnx.TensorProto.INT64
    del graph.value_info[:]
    content: bytes = loaded.SerializeToString()
    return content


def _encode(node: Any, values: tuple[str, ...]) -> None:
    """Give an encoder of texts the codes of these texts instead."""
    codes = {value: code for code, value in enumerate(values)}
    for attribute in list(node.attribute):
        if attribute.name == ENCODERS[node.op_type]:
            numbers = [codes.get(text.decode(), MISSING) for text in attribute.strings]
            node.attribute.remove(attribute)
            name = attribute.name.replace("strings", "int64s")
            node.attribute.append(onnx.helper.make_attribute(name, numbers))
