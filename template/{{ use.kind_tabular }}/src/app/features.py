"""Features of your own: written once, for training, servers, batches and browsers alike.

`derive` is array code after the Python array API standard (data-apis.org/array-api). It is traced
into model.onnx, in front of the fitted model; so nothing of it runs where the model is served, and
training sees what serving computes. Called with real arrays it computes at once.

    import ndonnx as ndx

    def derive(columns):
        months = ndx.where(columns["tenure"] > 0, columns["tenure"], ndx.asarray(1.0))
        return {"per_month": columns["fee"] / months, "is_night": columns["called.hour"] >= 22}
"""

from collections.abc import Mapping

import ndonnx as ndx


def derive(columns: Mapping[str, ndx.Array]) -> dict[str, ndx.Array]:
    """Further features by name, each of shape (rows, 1): numbers, or true and false.

    `columns` holds the features of the contract, each of shape (rows, 1). Numbers, integers and
    booleans are float32, and NaN where they are missing; categories are text, and "" where they are
    missing; a datetime `at` stands there as the numbers `at.hour`, `at.weekday` and `at.yearday`.
    """
    del columns
    return {}
