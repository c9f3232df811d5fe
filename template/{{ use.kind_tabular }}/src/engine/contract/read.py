"""Reads `contract.toml`, and says what in it contradicts itself."""

import codecs
import math
import re
import tomllib
from pathlib import Path

import msgspec

from engine.contract.schema import KEY, Contract, Dataset
from engine.contract.spelling import faults as misspelt
from engine.core.errors import ContractError


def load_contract(path: str | Path = "contract.toml") -> Contract:
    """Read and check the contract.

    Raises ContractError with the file, the place and the rule that is broken.
    """
    try:
        text = Path(path).read_text(encoding="utf-8")
    except OSError as error:
        raise ContractError(
            f"{path} cannot be read ({error.strerror}); "
            "write one from your data with: python3 run.py contract draft FILE --target COLUMN"
        ) from None
    except UnicodeDecodeError as error:
        raise ContractError(f"{path} is not UTF-8 ({error}); save it as UTF-8") from None
    return parse_contract(text, str(path))


def parse_contract(text: str, name: str = "contract.toml") -> Contract:
    """Turn the text of a contract into a checked Contract; `name` is used in messages."""
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ContractError(f"{name} is not valid TOML: {error}") from None
    try:
        contract = msgspec.convert(document, Contract)
    except msgspec.ValidationError as error:
        wrong = [*misspelt(document, Contract)] or [str(error)]
        raise ContractError("\n".join(f"{name}: {fault}" for fault in wrong)) from None
    faults = [
        *_dataset_faults(contract),
        *_decision_faults(contract),
        *_column_faults(contract),
        *_table_faults(contract),
        *_gate_faults(contract),
    ]
    if faults:
        raise ContractError("\n".join(f"{name}: {fault}" for fault in faults))
    return contract


def _dataset_faults(contract: Contract) -> list[str]:
    data, split, faults = contract.dataset, contract.split, source_faults(contract.dataset)
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
    if data.thousands == data.decimal:
        faults.append(f"dataset.thousands and dataset.decimal are both {data.decimal!r}")
    if not _is_encoding(data.encoding):
        faults.append(
            f"dataset.encoding is {data.encoding!r}, which Python does not know; "
            'usual ones are "utf-8", "cp1252" and "utf-16"'
        )
    return faults


def _decision_faults(contract: Contract) -> list[str]:
    stated = contract.decision
    if stated is None:
        return []
    if contract.positive is None:
        classes = len(contract.classes)
        kind = f"this classification has {classes} classes" if classes else "this is a regression"
        return [
            f"[decision] chooses between two classes, but {kind}; remove it"
            + (" (src/app/decide.py can answer otherwise)" if classes else "")
        ]
    costs = {
        "cost_false_positive": stated.cost_false_positive,
        "cost_false_negative": stated.cost_false_negative,
    }
    given = {name: cost for name, cost in costs.items() if cost is not None}
    if (stated.threshold is None) == (not given):
        return [
            "[decision] takes either threshold, or cost_false_positive and cost_false_negative; "
            f"it has {'both' if given else 'neither'}"
        ]
    if given and len(given) < len(costs):
        [absent] = costs.keys() - given.keys()
        return [f"[decision] has {next(iter(given))} but no {absent}; both mistakes have a cost"]
    if stated.threshold is not None and not 0 < stated.threshold < 1:
        return [f"decision.threshold is {stated.threshold:g}; it must lie between 0 and 1"]
    return [
        f"decision.{name} is {cost:g}; it must be a number above 0"
        for name, cost in given.items()
        if not (cost > 0 and math.isfinite(cost))
    ]


def source_faults(data: Dataset) -> list[str]:
    """What is wrong with where the rows are said to be."""
    faults = []
    if not all(data.sources) or not data.sources:
        faults.append("dataset.source names nothing; name a file, a folder, or several files")
    if data.query and len(data.sources) > 1:
        faults.append("dataset.query asks one database, but dataset.source names several things")
    for source in data.sources:
        scheme = source.partition("://")[0].partition("+")[0]
        if scheme in ("postgres", "postgresql", "mysql", "mssql", "oracle"):
            faults.append(
                "dataset.source is the address of a database, which may hold a password and must "
                'not stand in a file; put it into an environment variable and write source = "env:'
                f'NAME" and query = "select ..." (this one begins with {scheme}://)'
            )
        elif source.startswith("env:") and not data.query:
            faults.append(
                f'dataset.source is "{source}", which names a database; say which of its rows with '
                'query = "select ..." under [dataset]'
            )
    return faults


def _is_encoding(name: str) -> bool:
    """Whether Python turns bytes to text by this name."""
    try:
        return codecs.lookup(name)._is_text_encoding
    except LookupError:
        return False


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
    gates = contract.gates
    faults = [
        f"gates.{name} is {gap:g}; it is a difference between shares of rows: 0 to 1"
        for name, gap in (("slice_gap", gates.slice_gap), ("fairness_gap", gates.fairness_gap))
        if gap is not None and not 0 <= gap <= 1
    ]
    if gates.slice_rows < 2:
        faults.append(f"gates.slice_rows is {gates.slice_rows}; the least is 2")
    return faults
