"""The data contract: what the columns are, how the data are split, what a model must reach.

`contract.toml` is the only place that names a column; `contract.read` is its only reader.
"""

import hashlib
from functools import cached_property
from typing import Any, Literal

import msgspec

Kind = Literal["number", "integer", "boolean", "category", "datetime", "text"]
Role = Literal["feature", "audit", "outcome_value", "ignored"]
Task = Literal["classification", "regression"]

# What a model sees of a datetime: what comes again. Absolute time never does.
PARTS = ("hour", "weekday", "yearday")


class Dataset(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Where the rows are and which columns have a special part to play."""

    source: str | tuple[str, ...]
    """A file, a folder of files or a pattern, by path or URL; or several of them. With a query: the
    file of a database, or `env:NAME` for what the environment variable says."""
    query: str = ""
    """The rows as a database gives them: its SQL."""
    target: str
    task: Task
    classes: tuple[str, ...] = ()
    positive: str | None = None
    entity: str | None = None
    timestamp: str | None = None
    encoding: str = "utf-8"
    """How a CSV file writes letters, as Python names it: "utf-8", "cp1252", "utf-16"."""
    separator: str = ","
    decimal: Literal[".", ","] = "."
    thousands: Literal["", ",", ".", " ", "'"] = ""
    """What a file puts between groups of three digits; 12 and 1234.5 are read with it as well."""
    dates: Literal["iso", "day_first", "month_first"] = "iso"
    missing: tuple[str, ...] = ("", "na", "n/a", "nan", "null", "none", "?")
    privacy: Literal["", "drop", "mask"] = ""
    """Personal columns: `drop` keeps them from the model, `mask` only from what is recorded."""
    unit: str = ""
    """Of the target; like that of a column."""
    description: str = ""

    @property
    def sources(self) -> tuple[str, ...]:
        """What `source` names, one by one."""
        return (self.source,) if isinstance(self.source, str) else self.source

    @property
    def origin(self) -> str:
        """Where the rows come from, in words."""
        named = ", ".join(self.sources)
        return f"{named} (a query)" if self.query else named


class Split(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """How rows are set apart for validation and test, and the seed that decides it."""

    method: Literal["time", "group", "random"] = "random"
    then_by: tuple[str, ...] = ()
    """Columns that order rows of one timestamp, as the month and the day do those of a year."""
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
    """What a number counts; a file may write it before or behind the number, as $5 or 12.3 %."""
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
    """What a model must reach before it may be promoted; None is a limit that nobody decided."""

    metric: str
    floor: float | None = None
    baseline_margin: float = 0.0
    champion_margin: float = 0.0
    reference_margin: float | None = None
    """What the model must gain over a plain linear one."""
    slice_gap: float | None = None
    slice_rows: int = 20
    """Groups with fewer rows, or fewer positives for a true positive rate, are not judged."""
    fairness_gap: float | None = None
    parity_tolerance: float = 1e-4
    parity_rows: int = 0
    p99_ms: float = 50.0


class Decision(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """From which probability on a binary model answers the positive class.

    Either the threshold itself, or what both mistakes cost, in any unit: then training chooses it.
    """

    threshold: float | None = None
    cost_false_positive: float | None = None
    """Of answering the positive class where it is not true."""
    cost_false_negative: float | None = None
    """Of not answering it where it is true."""


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
    decision: Decision | None = None
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
    def costs(self) -> tuple[float, float] | None:
        """What a false positive and a false negative cost, where `decision` says so."""
        stated = self.decision
        if not stated or stated.cost_false_positive is None or stated.cost_false_negative is None:
            return None
        return stated.cost_false_positive, stated.cost_false_negative

    @cached_property
    def threshold(self) -> float | None:
        """The probability from which on the answer is the positive class.

        None: the most probable class is the answer. Costs without a chosen threshold give the one
        at which both mistakes are equally dear in the mean, for probabilities that are true
        (Elkan, "The Foundations of Cost-Sensitive Learning", IJCAI 2001).
        """
        if self.decision and self.decision.threshold is not None:
            return self.decision.threshold
        return self.costs[0] / sum(self.costs) if self.costs else None

    def decided(self, threshold: float | None) -> "Contract":
        """The same contract with the threshold that training chose; None: the most probable."""
        chosen = msgspec.structs.replace(self.decision or Decision(), threshold=threshold)
        return msgspec.structs.replace(self, decision=None if threshold is None else chosen)

    @cached_property
    def fingerprint(self) -> str:
        """A hash of what the contract says, blind to comments, white space and a chosen threshold.

        Training chooses one where the contract states costs; that does not make it another one.
        """
        said = self
        if self.costs and self.decision:
            said = msgspec.structs.replace(
                self, decision=msgspec.structs.replace(self.decision, threshold=None)
            )
        canonical = msgspec.json.encode(msgspec.to_builtins(said), order="sorted")
        return hashlib.sha256(canonical).hexdigest()[:16]


def to_text(value: Any) -> str:
    """A value as the contract writes it: a class or category is always text."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)
