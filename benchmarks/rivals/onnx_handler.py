"""What a user would write around a model file: a Pydantic model of the row, and onnxruntime.

It checks types, ranges and categories and scores the model, and does nothing else: no metrics, no
ids, no log, no deadline, no bounded queue. FastAPI, KServe and BentoML hand it out, each by itself.
"""

import os
import tomllib
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
import onnxruntime as ort
from pydantic import BaseModel, ConfigDict, Field, create_model

BUNDLE = Path(os.environ["BENCH_BUNDLE"])
CONTRACT = tomllib.loads((BUNDLE / "contract.toml").read_text(encoding="utf-8"))
COLUMNS = {n: c for n, c in CONTRACT["columns"].items() if c.get("role", "feature") == "feature"}
CLASSES = CONTRACT["dataset"].get("classes", [])
NUMBERS = [n for n, c in COLUMNS.items() if c["type"] in ("number", "integer", "boolean")]
TIMES = [n for n, c in COLUMNS.items() if c["type"] == "datetime"]
CATEGORIES = [n for n, c in COLUMNS.items() if c["type"] == "category"]
KNOWN = {n: frozenset(COLUMNS[n]["values"]) for n in CATEGORIES}
TYPES: dict[str, Any] = {"number": float, "integer": int, "boolean": bool, "datetime": datetime}


def field(column: dict[str, Any]) -> Any:
    """The Pydantic type of a column."""
    kind: Any = TYPES.get(column["type"], str)
    if "min" in column or "max" in column:
        kind = Annotated[kind, Field(ge=column.get("min"), le=column.get("max"))]
    if column["type"] == "category" and column.get("unknown") != "missing":
        kind = Literal[tuple(column["values"])]
    return (kind | None, ...) if column.get("nullable") else (kind, ...)


Row = create_model(
    "Row",
    __config__=ConfigDict(extra="forbid"),
    **{name: field(column) for name, column in COLUMNS.items()},
)


class Request(BaseModel):
    """One or many rows."""

    rows: Annotated[list[Row], Field(min_length=1, max_length=1000)]  # type: ignore[valid-type]


class Prediction(BaseModel):
    """The answer to one row."""

    label: str | None = None
    value: float | None = None
    probabilities: dict[str, float] | None = None


class Response(BaseModel):
    """The answers, in the order of the rows."""

    predictions: list[Prediction]


options = ort.SessionOptions()
options.intra_op_num_threads = options.inter_op_num_threads = 1
session = ort.InferenceSession(
    (BUNDLE / "model.onnx").read_bytes(), options, providers=["CPUExecutionProvider"]
)
inputs = {item.name for item in session.get_inputs()}
output = [session.get_outputs()[-1].name]


def predict(request: Request) -> Response:
    """Score the rows."""
    numbers, categories = [], []
    for row in request.rows:
        values: dict[str, Any] = row.__dict__
        line = [values[name] for name in NUMBERS]
        for name in TIMES:
            t = values[name]
            t = t.astimezone(UTC) if t is not None and t.tzinfo else t
            line += (
                [None, None, None]
                if t is None
                else [
                    t.hour + t.minute / 60 + t.second / 3600,
                    t.weekday(),
                    t.timetuple().tm_yday,
                ]
            )
        numbers.append(line)
        categories.append([v if (v := values[n]) in KNOWN[n] else "" for n in CATEGORIES])
    feed = {
        "numbers": np.array(numbers, dtype=np.float32),
        "categories": np.array(categories, dtype=object),
    }
    scores = session.run(output, {k: v for k, v in feed.items() if k in inputs})[0]
    if not CLASSES:
        return Response(predictions=[Prediction(value=v) for v in scores[:, 0].tolist()])
    best = scores.argmax(axis=1).tolist()
    return Response(
        predictions=[
            Prediction(label=CLASSES[b], probabilities=dict(zip(CLASSES, row, strict=True)))
            for b, row in zip(best, scores.tolist(), strict=True)
        ]
    )
