"""How far a window lies from the reference: by Evidently, with its tests and a page of charts.

The page runs scripts, and values of the data stand in them unescaped; so no other page leads to it.
"""

import os
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from engine.monitoring.protocol import LARGE, Report

FILES: tuple[str, ...] = ("drift.html", "drift.json")
MEASURED_ROWS = 20_000  # rows that Evidently measures and draws: exact to about 0.01


def measure(
    reference: pd.DataFrame, current: pd.DataFrame
) -> tuple[dict[str, float], Report | None]:
    """Evidently's distances, and its report on them: distributions, tests and their verdicts."""
    os.environ.setdefault("DO_NOT_TRACK", "1")
    from evidently import DataDefinition, Dataset
    from evidently import Report as Evidently  # takes seconds; no other verb needs it
    from evidently.metrics import ValueDrift

    names = [*map(str, reference)]
    numbers = [name for name in names if reference[name].dtype == np.float64]
    layout = DataDefinition(
        numerical_columns=numbers, categorical_columns=[n for n in names if n not in numbers]
    )
    now, before = (
        Dataset.from_pandas(
            frame.sample(min(len(frame), MEASURED_ROWS), random_state=0, ignore_index=True).astype(
                dict.fromkeys(layout.categorical_columns, object)
            ),
            data_definition=layout,
        )
        for frame in (current, reference)
    )
    drifts = [
        ValueDrift(
            column=name,
            method="wasserstein" if name in numbers else "jensenshannon",
            threshold=LARGE,
        )
        for name in names
    ]
    found = Evidently(drifts, include_tests=True).run(now, before)
    measured = found.dict()["metrics"]
    distances = {m["config"]["column"]: float(np.nan_to_num(m["value"])) for m in measured}
    return distances, _Report(found)


class _Report:
    """Evidently's, as a page for people and as JSON for programs."""

    def __init__(self, found: Any) -> None:
        self._found = found

    def save(self, folder: Path) -> None:
        page, document = FILES
        self._found.save_html(str(folder / page))
        self._found.save_json(str(folder / document))
