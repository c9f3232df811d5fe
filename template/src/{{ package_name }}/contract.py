"""The data contract: what the columns are, how the data are split, what a model must reach.

`contract.toml` is the only place that names a column. This module is its only reader.
"""

import hashlib
import math
import re
import tomllib
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import msgspec

from .errors import ContractError

Kind = Literal["number", "integer", "boolean", "category", "datetime", "text"]
Role = Literal["feature", "audit", "outcome_value", "ignored"]
Task = Literal["classification", "regression"]

PARTS = ("hour", "weekday")  # what a model sees of a datetime: absolute time never comes back
CLASSIFICATION_METRICS = ("roc_auc", "accuracy", "balanced_accuracy", "f1", "log_loss")
REGRESSION_METRICS = ("r2", "mae", "rmse")
LOWER_IS_BETTER = frozenset({"log_loss", "mae", "rmse"})


class Dataset(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Where the rows are and which columns have a special part to play."""

    source: str
    target: str
    task: Task
    classes: tuple[str, ...] = ()
    positive: str | None = None
    entity: str | None = None
    timestamp: str | None = None
    separator: str = ","
    decimal: Literal[".", ","] = "."
    dates: Literal["iso", "day_first", "month_first"] = "iso"
    missing: tuple[str, ...] = ("", "na", "n/a", "nan", "null", "none", "?")
    privacy: Literal["", "drop", "mask"] = ""
    """Personal columns: `drop` keeps them from the model, `mask` only from what is recorded."""
    unit: str = ""
    description: str = ""


class Split(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """How rows are set apart for validation and test, and the seed that decides it."""

    method: Literal["time", "group", "random"] = "random"
    validation: float = 0.2
    test: float = 0.2
    seed: int = 7


class Column(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One column: its type, what it may hold, and what it may be used for."""

    type: Kind
    role: Role = "feature"
    known_at: Literal["prediction", "outcome"] = "prediction"
    nullable: bool = False
    fill: float | None = None
    min: float | None = None
    max: float | None = None
    values: tuple[str, ...] = ()
    unknown: Literal["refuse", "missing"] = "refuse"
    sensitive: bool = False
    personal: bool = False
    unit: str = ""
    description: str = ""
    table: str | None = None
    """The feature table that holds it; without one it stands in the rows themselves."""


class Table(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Values that are looked up instead of sent: what was known of an entity, and since when."""

    source: str
    entity: str
    """The column, here and in the rows of the dataset, that says whose values these are."""
    timestamp: str
    """When the values of a row became known; they hold until a later row of the same entity."""
    max_age_days: float | None = None
    """Older values are not used; without it every age will do."""
    when_missing: Literal["missing", "refuse"] = "missing"
    """No value, or one that is too old: the model sees a missing value, or gets no such row."""
    description: str = ""


class Gates(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What a model must reach before it may be promoted."""

    metric: str
    floor: float
    baseline_margin: float = 0.0
    champion_margin: float = 0.0
    slice_gap: float = 0.2
    slice_rows: int = 50
    fairness_gap: float = 0.2
    parity_tolerance: float = 1e-4
    parity_rows: int = 0
    p99_ms: float = 50.0


class Fallback(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What is answered when the model fails: the baseline's scores, or a refusal (503)."""

    answer: Literal["baseline", "refuse"] = "baseline"


KEY = Column(type="text", role="ignored")  # an entity without an entry under [columns]


class Contract(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, dict=True):
    """The whole contract, checked; `load` and `parse` make it."""

    dataset: Dataset
    split: Split = Split()
    columns: dict[str, Column]
    tables: dict[str, Table] = {}
    gates: Gates
    fallback: Fallback = Fallback()

    @cached_property
    def features(self) -> dict[str, Column]:
        """The columns a prediction needs, in the order the contract lists them."""
        return {name: c for name, c in self.columns.items() if c.role == "feature"}

    @cached_property
    def sent(self) -> dict[str, Column]:
        """What a request holds: the features that are not looked up, and the keys of the tables."""
        own = {name: column for name, column in self.features.items() if not column.table}
        keys = {table.entity: self.columns.get(table.entity, KEY) for table in self.tables.values()}
        return {**keys, **own}

    def looked_up(self, table: str) -> dict[str, Column]:
        """The features that a table holds."""
        return {name: column for name, column in self.features.items() if column.table == table}

    @cached_property
    def numbers(self) -> tuple[str, ...]:
        """Names of the numeric model inputs; a datetime gives one for each of its parts."""
        plain = [n for n, c in self.features.items() if c.type in ("number", "integer", "boolean")]
        parts = [f"{n}.{part}" for n in self.datetimes for part in PARTS]
        return (*plain, *parts)

    @cached_property
    def categories(self) -> tuple[str, ...]:
        """Names of the features that hold one of a list of values."""
        return tuple(n for n, c in self.features.items() if c.type == "category")

    @cached_property
    def datetimes(self) -> tuple[str, ...]:
        """Names of the features that hold a point in time."""
        return tuple(n for n, c in self.features.items() if c.type == "datetime")

    @cached_property
    def sensitive(self) -> tuple[str, ...]:
        """Names of the columns over which fairness is measured."""
        return tuple(n for n, c in self.columns.items() if c.sensitive)

    @cached_property
    def personal(self) -> frozenset[str]:
        """Names of the columns whose values never reach a log, a metric or a report."""
        return frozenset(n for n, c in self.columns.items() if c.personal)

    @cached_property
    def outcome_value(self) -> str | None:
        """The column that says what an outcome was worth, if the data have one."""
        return next((n for n, c in self.columns.items() if c.role == "outcome_value"), None)

    @cached_property
    def classes(self) -> tuple[str, ...]:
        """The classes in the order of the model's probabilities; empty for regression."""
        return self.dataset.classes

    @cached_property
    def positive(self) -> str | None:
        """The class a binary model is asked about; None for more classes and for regression."""
        return self.dataset.positive if len(self.classes) == 2 else None

    @cached_property
    def higher_is_better(self) -> bool:
        """Whether a larger value of the gate's metric is the better one."""
        return self.gates.metric not in LOWER_IS_BETTER

    @cached_property
    def fingerprint(self) -> str:
        """A hash of what the contract says, blind to comments and white space."""
        said = msgspec.to_builtins(self)
        if not self.tables:  # as it was before there were tables: champions keep their fingerprint
            del said["tables"]
            for column in said["columns"].values():
                del column["table"]
        canonical = msgspec.json.encode(said, order="sorted")
        return hashlib.sha256(canonical).hexdigest()[:16]


def load(path: str | Path = "contract.toml") -> Contract:
    """Read and check the contract.

    Raises ContractError with the file, the place and the rule that is broken.
    """
    try:
        text = Path(path).read_text(encoding="utf-8")
    except OSError as error:
        raise ContractError(
            f"{path} cannot be read ({error.strerror}); "
            "write one from your data with: python run.py contract infer FILE --target COLUMN"
        ) from None
    return parse(text, str(path))


def parse(text: str, name: str = "contract.toml") -> Contract:
    """Turn the text of a contract into a checked Contract; `name` is used in messages."""
    try:
        contract = msgspec.convert(tomllib.loads(text), Contract)
    except tomllib.TOMLDecodeError as error:
        raise ContractError(f"{name} is not valid TOML: {error}") from None
    except msgspec.ValidationError as error:
        raise ContractError(f"{name}: {error}") from None
    faults = [
        *_dataset_faults(contract),
        *_column_faults(contract),
        *_table_faults(contract),
        *_gate_faults(contract),
    ]
    if faults:
        raise ContractError("\n".join(f"{name}: {fault}" for fault in faults))
    return contract


def _dataset_faults(contract: Contract) -> list[str]:
    data, split, faults = contract.dataset, contract.split, []
    for part in ("target", "entity"):
        name = getattr(data, part)
        column = contract.columns.get(name)
        if column and column.role == "feature":
            faults.append(f"[columns.{name!r}] is the {part}; it may not be a feature as well")
    if data.task == "classification":
        if len(set(data.classes)) < 2:
            faults.append(
                f"dataset.classes is {list(data.classes)}; classification needs two or more"
            )
        if len(data.classes) == 2 and data.positive not in data.classes:
            faults.append(
                f"dataset.positive is {data.positive!r}; it must be one of {list(data.classes)}"
            )
    elif data.classes:
        faults.append("dataset.classes is set, but a regression has none; remove it")
    if not (0 < split.test < 1 and 0 < split.validation < 1 and split.test + split.validation < 1):
        faults.append(
            f"split.validation is {split.validation} and split.test is {split.test}; "
            "each must lie between 0 and 1 and leave rows to train on"
        )
    if split.method == "time" and not data.timestamp:
        faults.append('split.method is "time", but dataset.timestamp names no column')
    if split.method == "group" and not data.entity:
        faults.append('split.method is "group", but dataset.entity names no column')
    return faults


def _column_faults(contract: Contract) -> list[str]:
    faults = []
    for name, column in contract.columns.items():
        where = f"[columns.{name!r}]"
        if column.role == "feature" and column.known_at == "outcome":
            faults.append(
                f"{where} is known only with the outcome, so it may never be a feature; "
                'set role = "ignored"'
            )
        if column.role == "feature" and column.personal and contract.dataset.privacy == "drop":
            faults.append(
                f'{where} is personal, and dataset.privacy is "drop"; set role = "ignored", '
                'or privacy = "mask" if the model needs it'
            )
        if column.role == "feature" and column.type == "text":
            faults.append(
                f"{where} is free text, which the model families here cannot use; "
                'set role = "ignored" or type = "category" with its values'
            )
        if column.type == "category" and column.role == "feature" and not column.values:
            faults.append(f"{where} is a category without values; list them in values = [...]")
        if "" in column.values:
            faults.append(f'{where} lists "" as a value; an empty text means missing')
        if column.values and column.type != "category":
            faults.append(f"{where} has values, which only a category may have")
        if column.unknown == "missing" and not column.nullable:
            faults.append(
                f'{where} has unknown = "missing" but nullable = false; set nullable = true'
            )
        if None not in (column.min, column.max) and not column.min <= column.max:  # type: ignore[operator]
            faults.append(f"{where} has min {column.min} above max {column.max}")
        bounds = [b for b in (column.min, column.max, column.fill) if b is not None]
        if not all(map(math.isfinite, bounds)):
            faults.append(f"{where} has a bound or fill that is not a finite number")
        if bounds and column.type not in ("number", "integer"):
            faults.append(f"{where} has min, max or fill, which only numbers may have")
    if not contract.features:
        faults.append('no column has role = "feature"; a model needs at least one')
    return faults


def _table_faults(contract: Contract) -> list[str]:
    faults = []
    for name, table in contract.tables.items():
        where, key = f"[tables.{name!r}]", contract.columns.get(table.entity, KEY)
        found = contract.looked_up(name)
        if not re.fullmatch(r"[a-z][a-z0-9_]{0,39}", name):
            faults.append(f"{where} must be named with lower-case letters, digits and underscores")
        if not found:
            faults.append(f'{where} has no feature; give one of the columns table = "{name}"')
        if key.type not in ("text", "integer", "category") or key.table:
            faults.append(
                f"{where} has the entity {table.entity!r}, which must be a text, an integer or a "
                "category that stands in the rows themselves"
            )
        if table.entity == contract.dataset.target:
            faults.append(f"{where} has the target for its entity, which nobody knows in time")
        if wrong := {table.entity, table.timestamp} & found.keys():
            faults.append(f"{where} has {min(wrong)!r} as a feature, and as entity or timestamp")
        if table.max_age_days is not None and not 0 < table.max_age_days < 100_000:
            faults.append(f"{where} has max_age_days {table.max_age_days}; it must be above 0")
        if table.when_missing == "missing":
            faults += [
                f"[columns.{column!r}] comes from a table where it may be missing; set "
                f'nullable = true, or when_missing = "refuse" in {where}'
                for column, entry in found.items()
                if not entry.nullable
            ]
    if contract.tables and not contract.dataset.timestamp:
        faults.append(
            "dataset.timestamp names no column, but [tables] need it: a row may learn only what "
            "was known when it was true"
        )
    for name, column in contract.columns.items():
        if column.table is not None and column.table not in contract.tables:
            known = ", ".join(contract.tables) or "none"
            faults.append(f"[columns.{name!r}] has table {column.table!r}; [tables] has: {known}")
        if column.table is not None and column.role != "feature":
            faults.append(f"[columns.{name!r}] has a table, which only a feature may have")
    return faults


def _gate_faults(contract: Contract) -> list[str]:
    task, metric = contract.dataset.task, contract.gates.metric
    allowed = CLASSIFICATION_METRICS if task == "classification" else REGRESSION_METRICS
    if metric not in allowed:
        return [f"gates.metric is {metric!r}; for {task} it must be one of {', '.join(allowed)}"]
    return []


def to_text(value: Any) -> str:
    """A value as the contract writes it: a class or category is always text."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)
