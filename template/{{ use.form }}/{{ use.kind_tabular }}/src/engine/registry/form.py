"""What a form must know of contract and model, wherever it is filled in."""

from collections.abc import Mapping
from typing import Any

from engine.contract.schema import Column
from engine.contract.types import bounds
from engine.registry.bundle import Bundle


def facts(
    bundle: Bundle,
    version: int,
    project: str,
    *,
    asked: Mapping[str, Column] | None = None,
    examples: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Everything from which a page builds its form and speaks of the model.

    `asked` are the fields, by default every feature; `examples` are values for those that have no
    typical one.
    """
    contract, manifest = bundle.contract, bundle.manifest
    data, usual = contract.dataset, {**(examples or {}), **manifest.typical}
    fields = contract.features if asked is None else asked
    beside = {name: c for name, c in contract.features.items() if name not in fields}
    metric = contract.gates.metric
    return {
        "project": project,
        "target": data.target,
        "description": data.description,
        "task": data.task,
        "unit": data.unit,
        "classes": contract.classes,
        "positive": contract.positive,
        "threshold": contract.threshold,
        "features": [_feature(name, column, usual) for name, column in fields.items()],
        "looked_up": [_feature(name, column, usual) for name, column in beside.items()],
        "fallback": manifest.fallback if contract.fallback.answer == "baseline" else None,
        "version": version,
        "made": manifest.created,
        "rows": manifest.typical_rows,
        "quality": {
            "metric": metric,
            "model": manifest.metrics.get(f"test.{metric}"),
            "baseline": manifest.metrics.get(f"baseline.{metric}"),
        },
    }


def _feature(name: str, column: Column, usual: Mapping[str, Any]) -> dict[str, Any]:
    low, high = bounds(column)
    found = {
        "name": name,
        "type": column.type,
        "nullable": column.nullable,
        "low": low,
        "high": high,
        "bounded": {"low": column.min is not None, "high": column.max is not None},
        "values": column.values,
        "open": column.unknown == "missing",
        "unit": column.unit,
        "description": column.description,
    }
    return {**found, "typical": usual[name]} if name in usual else found
