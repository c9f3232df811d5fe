"""The app held against Python: the same requests, scored by its own code and runtime in Node.js."""

import math
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import numpy as np

from engine.contract import example_rows
from engine.contract.schema import Contract
from engine.contract.types import column_type
from engine.core.errors import ProjectError
from engine.edge import packages
from engine.features.encode import Encoder
from engine.registry.explanation import Explainer
from engine.registry.predictor import Predictor
from engine.training.export import UNSEEN, Parity

ROWS = 150
EXPLAINED = 20  # rows whose reasons are compared: each asks the model once for every feature


class Compared(NamedTuple):
    """What the app says beside what Python says, on the same rows."""

    scores: Parity
    otherwise: int
    """Answers that differ from Python's decision on the app's own scores."""
    reasons: float
    """The largest difference of what one value did to a prediction, on the scale of the scores."""


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


def compare(predictor: Predictor, app: Path, web: Path = packages.WEB) -> Compared:
    """How far the app's scores, decisions and reasons are from Python's on `requests`."""
    rows = requests(predictor.contract)
    explained = [*range(0, len(rows), math.ceil(len(rows) / EXPLAINED))]
    expected = np.vstack([python(predictor, row) for row in rows])
    answers = node(app, rows, web, explained)
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
    effects = {at: answers[at]["effects"] for at in explained}
    apart = reasons(predictor, rows, effects) / _scale(predictor, expected)
    return Compared(parity(predictor, expected, found), otherwise, apart)


def reasons(
    predictor: Predictor, rows: list[dict[str, Any]], effects: dict[int, dict[str, float]]
) -> float:
    """The largest difference between the app's `effects`, by row and feature, and Python's.

    A feature that only one of the two names counts with all it did.
    """
    explainer = Explainer(predictor.bundle)
    inputs = predictor.encode.rows([decode(predictor.contract, rows[at]) for at in effects])
    scores = predictor.score_inputs(inputs)
    decided = predictor.decide(scores) if predictor.classes else None
    about = explainer.explained(decided, len(scores))
    changes = np.nan_to_num(explainer.changes(predictor.score_inputs, inputs, scores, about))
    worst = 0.0
    for change, app in zip(changes.tolist(), effects.values(), strict=True):
        own = dict(zip(explainer.names, change, strict=True))
        names = own.keys() | app.keys()
        worst = max([worst, *(abs(own.get(n, 0.0) - app.get(n, 0.0)) for n in names)])
    return worst


def parity(predictor: Predictor, expected: Any, found: Any) -> Parity:
    """The largest difference, and the rows over the contract's tolerance.

    Differences are divided by 1 for probabilities, by the spread of the answers for values.
    """
    worst = (np.abs(found - expected) / _scale(predictor, expected)).max(axis=1)
    over = worst > predictor.contract.gates.parity_tolerance
    return Parity(len(worst), float(worst.max()), int(over.sum()))


def _scale(predictor: Predictor, expected: Any) -> float:
    return 1.0 if predictor.classes else float(np.std(expected)) or 1.0


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


def node(
    app: Path,
    rows: list[dict[str, Any]],
    web: Path = packages.WEB,
    explained: Sequence[int] = (),
) -> list[dict[str, Any]]:
    """What the app answers to each row: scores, or faults by field; effects at `explained`."""
    file = app.with_name("requests.json")
    file.write_bytes(msgspec.json.encode({"rows": rows, "explained": explained}))
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
