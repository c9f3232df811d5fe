"""A project whose model needs values that no caller knows: they change over time, in a table."""

import csv
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from engine.contract.read import load_contract

CONTRACT = """
[dataset]
source = "data/rows.csv"
target = "left"
task = "classification"
classes = ["no", "yes"]
positive = "yes"
timestamp = "at"

[split]
method = "time"

[gates]
metric = "roc_auc"
floor = 0.0

[tables.people]
source = "data/people.csv"
entity = "person"
timestamp = "changed"
max_age_days = 30

[columns.plan]
type = "category"
values = ["k", "l"]

[columns.score]
type = "number"
min = 0
max = 100
nullable = true
table = "people"

[columns.visits]
type = "integer"
nullable = true
table = "people"

[columns.vip]
type = "boolean"
nullable = true
table = "people"

[columns."last \\"seen\\""]
type = "datetime"
nullable = true
table = "people"

[columns.tier]
type = "category"
values = ["a", "b, c"]
nullable = true
unknown = "missing"
table = "people"
"""
NAMES = ("score", "visits", "vip", 'last "seen"', "tier")
PEOPLE = [  # person, changed, then the features
    ("ann", "2026-01-01T00:00:00Z", 10.5, 1, "true", "2025-12-31T22:15:00Z", "a"),
    ("ann", "2026-01-10T00:00:00Z", 20.5, 2, "false", "", "b, c"),
    ("bob", "2026-01-05T12:00:00Z", 30.5, 3, "true", "2026-01-05T11:00:00Z", "new"),
    ("cyd", "2026-01-05T12:00:00Z", "", "", "", "", ""),
]


def write(
    folder: Path, rows: list[tuple[str, str]], people: Any = PEOPLE, text: str = CONTRACT
) -> Any:
    """Contract, rows (person and moment) and the table of people; returns the contract."""
    (folder / "data").mkdir(exist_ok=True)
    (folder / "contract.toml").write_text(text, encoding="utf-8")
    events = [(person, at, "k", "yes") for person, at in rows]
    _csv(folder / "data/rows.csv", ("person", "at", "plan", "left"), events)
    _csv(folder / "data/people.csv", ("person", "changed", *NAMES), people)
    return load_contract(folder / "contract.toml")


def moment(text: str) -> datetime:
    """A day of January 2026 such as 10 or 05T12:00."""
    return datetime.fromisoformat(f"2026-01-{text}").replace(tzinfo=UTC)


def _csv(path: Path, header: Any, rows: Any) -> None:
    with path.open("w", encoding="utf-8", newline="") as stream:
        csv.writer(stream).writerows([header, *rows])
