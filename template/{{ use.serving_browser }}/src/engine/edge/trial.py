"""The app held against Python: the same requests, scored by its own code and runtime in Node.js."""

import math
import re
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from engine.contract import example_rows
from engine.contract.schema import Contract
from engine.contract.types import column_type
from engine.core.errors import ProjectError
from engine.edge import packages
from engine.features.encode import Encoder
from engine.registry.predictor import Predictor
from engine.training.export import UNSEEN, Parity

ROWS = 150


def requests(contract: Contract) -> list[dict[str, Any]]:
    """Rows that the contract allows: made up, at the ends of each range, missing and unseen."""
    rows = example_rows.rows(contract, ROWS)
    for name, column in contract.features.items():
        ends = [bound for bound in (column.min, column.max) if bound is not None]
        if column.type == "integer":
            ends = [math.ceil(e) if e == column.min else math.floor(e) for e in ends]
        tried: list[Any] = [*ends, *column.values]
        tried += [None] if column.nullable else []
        tried += [UNSEEN] if column.unknown == "missing" else []
        if column.type == "datetime":
            tried += ["2026-02-28T23:59:59.5Z", "2024-02-29t00:30:00+05:45", "1969-12-28 23:00:00Z"]
        rows += [{**rows[i % ROWS], name: value} for i, value in enumerate(tried)]
    return rows


def compare(predictor: Predictor, app: Path, web: Path = packages.WEB) -> tuple[Parity, int]:
    """How far the app's scores are from Python's on `requests`, and how many it decides otherwise.

    The second holds each answer of the app against Python's decision on the app's own scores.
    """
    rows = requests(predictor.contract)
    expected = np.vstack([python(predictor, row) for row in rows])
    answers = node(app, rows, web)
    refused = [answer["faults"] for answer in answers if "faults" in answer]
    if refused:
        raise ProjectError(
            f"the app refuses {len(refused)} of {len(rows)} rows that the contract allows, "
            f"the first because: {'; '.join(refused[0].values())}"
        )
    found = np.array([answer["scores"] for answer in answers])
    otherwise = 0
    if predictor.classes:
        said = np.array([answer["answer"] for answer in answers])
        otherwise = int((predictor.decide(found) != said).sum())
    return parity(predictor, expected, found), otherwise


def parity(predictor: Predictor, expected: Any, found: Any) -> Parity:
    """The largest difference, and the rows over the contract's tolerance.

    Differences are divided by 1 for probabilities, by the spread of the answers for values.
    """
    scale = 1.0 if predictor.classes else float(np.std(expected)) or 1.0
    worst = (np.abs(found - expected) / scale).max(axis=1)
    over = worst > predictor.contract.gates.parity_tolerance
    return Parity(len(worst), float(worst.max()), int(over.sum()))


def python(predictor: Predictor, row: dict[str, Any]) -> Any:
    """The scores of one row, as every other way to serve gives them."""
    return predictor.score([decode(predictor.contract, row)])[0]


def decode(contract: Contract, row: dict[str, Any]) -> list[Any]:
    """The values of a row in the order of the model, as JSON brings them.

    Raises msgspec.ValidationError for a value, or a column, that the contract forbids.
    """
    columns = [(name, contract.features[name]) for name in Encoder(contract).order]
    if row.keys() != contract.features.keys():
        raise msgspec.ValidationError("every feature is needed, and nothing else")
    return [msgspec.convert(row[name], column_type(column)) for name, column in columns]


def node(app: Path, rows: list[dict[str, Any]], web: Path = packages.WEB) -> list[dict[str, Any]]:
    """What the app answers to each row: scores, or faults by field."""
    file = app.with_name("requests.json")
    file.write_bytes(msgspec.json.encode({"rows": rows}))
    try:
        done = packages.node(web / "tools/score.js", app, file)
    finally:
        file.unlink()
    if done.returncode:
        raise ProjectError(f"the model does not run in ONNX Runtime Web: {fault(done.stderr)}")
    answers: list[dict[str, Any]] = msgspec.json.decode(done.stdout)["answers"]
    return answers


def fault(stderr: str) -> str:
    """What went wrong in Node, without the line of bundled code that Node shows before it."""
    lines = [line.strip() for line in stderr.splitlines() if line.strip()]
    errors = [line for line in lines if re.match(r"\w*Error\b", line)]
    return (errors or lines or ["Node said nothing"])[0][:500]
