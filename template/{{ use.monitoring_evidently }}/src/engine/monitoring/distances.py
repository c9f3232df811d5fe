"""How far a window lies from the reference: by Evidently, with its tests and a page of charts.

The page draws with scripts, and what Evidently writes would let names and values of the data become
scripts too. So the data in it are escaped, and a policy lets its own scripts run and nothing else.
"""

import base64
import hashlib
import json
import os
import re
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from engine.core.storage import Storage
from engine.monitoring.protocol import LARGE, Report

FILES: tuple[str, ...] = ("drift.html", "drift.json")
MEASURED_ROWS = 20_000  # rows that Evidently measures and draws: exact to about 0.01
POLICY = "default-src 'none'; img-src data: blob:; font-src data:; style-src 'unsafe-inline'"


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
        made = guarded(self._found.get_html_str(as_iframe=False))
        closed = Storage(folder)  # it holds values of the data
        closed.write(page, made.encode())
        closed.write(document, self._found.json().encode())


def guarded(page: str) -> str:
    """Evidently's page with nothing in it that data could run."""
    done, rest = "", page
    for _ in ("widgets", "graphs"):  # two variables hold all the data, as JSON
        start = re.search(r"\bvar \w+ = (?=\{)", rest)
        assert start, "Evidently writes its page in another way"
        _, end = json.JSONDecoder().raw_decode(rest, start.end())
        done += rest[: start.end()] + rest[start.end() : end].replace("<", "\\u003c")
        rest = rest[end:]
    page = done + rest
    scripts = re.findall("<script>(.*?)</script>", page, re.DOTALL)
    allowed = " ".join(f"'sha256-{_hash(script)}'" for script in scripts)
    policy = f"{POLICY}; script-src {allowed}"
    meta = f'<meta http-equiv="Content-Security-Policy" content="{policy}">'
    return page.replace("<head>", f"<head>{meta}", 1)


def _hash(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
