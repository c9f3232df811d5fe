"""How the network is written as ONNX: a product and a ReLU for each layer, and a softmax."""

from typing import Any

import numpy as np
from onnx import TensorProto
from skl2onnx import update_registered_converter
from skl2onnx.common.shape_calculator import (
    calculate_linear_classifier_output_shapes,
    calculate_linear_regressor_output_shapes,
)
from torch import nn

from engine.training.network.estimator import Network, NetworkClassifier, NetworkRegressor

CHOICES = {"zipmap": [True, False, "columns"], "nocl": [True, False]}


def register() -> None:
    """Tell skl2onnx about both estimators."""
    update_registered_converter(
        NetworkClassifier,
        "NetworkClassifier",
        calculate_linear_classifier_output_shapes,
        write_classifier,
        options=CHOICES,
    )
    update_registered_converter(
        NetworkRegressor,
        "NetworkRegressor",
        calculate_linear_regressor_output_shapes,
        write_regressor,
    )


def write_classifier(scope: Any, operator: Any, container: Any) -> None:
    """Outputs: the label, int64 [n], and the probabilities, float32 [n, classes]."""
    label, probabilities = (output.full_name for output in operator.outputs)
    raw = write_layers(scope, operator, container)
    container.add_node("Softmax", raw, probabilities, axis=1)
    position = scope.get_unique_variable_name("position")
    container.add_node("ArgMax", probabilities, position, axis=1, keepdims=0)
    classes = scope.get_unique_variable_name("classes")
    values = operator.raw_operator.classes_.astype(np.int64)
    container.add_initializer(classes, TensorProto.INT64, values.shape, values)
    container.add_node("Gather", [classes, position], label)


def write_regressor(scope: Any, operator: Any, container: Any) -> None:
    """Output: the value, float32 [n, 1]."""
    raw = write_layers(scope, operator, container)
    container.add_node("Identity", raw, operator.outputs[0].full_name)


def write_layers(scope: Any, operator: Any, container: Any) -> str:
    """Write the layers and return the name of what the last one says."""
    network: Network = operator.raw_operator
    here: str = operator.inputs[0].full_name
    for layer in network.network_:
        before, here = here, scope.get_unique_variable_name("layer")
        if isinstance(layer, nn.Linear):
            names = [before]
            for values in (layer.weight, layer.bias):
                names.append(scope.get_unique_variable_name("weights"))
                flat = values.detach().numpy().ravel()
                container.add_initializer(names[-1], TensorProto.FLOAT, values.shape, flat)
            container.add_node("Gemm", names, here, transB=1)
        else:
            container.add_node("Relu", before, here)
    return here
