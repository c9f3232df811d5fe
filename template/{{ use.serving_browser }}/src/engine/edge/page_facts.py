"""What the page must know of contract and model: the content of contract.json."""

from typing import Any

from engine.contract.schema import Column
from engine.contract.types import bounds
from engine.features.encode import Encoder
from engine.registry.bundle import Bundle


def facts(bundle: Bundle, version: int, files: dict[str, Any]) -> dict[str, Any]:
    """Everything from which the page builds its form, encodes rows and speaks of the model.

    `files` are the downloads with their sizes and hashes.
    """
    contract, manifest, encoder = bundle.contract, bundle.manifest, Encoder(bundle.contract)
    data, usual = contract.dataset, manifest.typical
    metric = contract.gates.metric
    features = []
    for name, column in contract.features.items():
        features.append({"name": name, **_feature(column)})
        if name in usual:
            features[-1]["typical"] = usual[name]
    return {
        "target": data.target,
        "description": data.description,
        "task": data.task,
        "unit": data.unit,
        "classes": contract.classes,
        "positive": contract.positive,
        "threshold": contract.threshold,
        "features": features,
        "inputs": {
            "plain": encoder.plain,
            "datetimes": encoder.datetimes,
            "categories": encoder.categories,
        },
        "fallback": manifest.fallback if contract.fallback.answer == "baseline" else None,
        "version": version,
        "made": manifest.created,
        "rows": manifest.typical_rows,
        "quality": {
            "metric": metric,
            "model": manifest.metrics.get(f"test.{metric}"),
            "baseline": manifest.metrics.get(f"baseline.{metric}"),
        },
        "files": files,
    }


def _feature(column: Column) -> dict[str, Any]:
    low, high = bounds(column)
    return {
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
