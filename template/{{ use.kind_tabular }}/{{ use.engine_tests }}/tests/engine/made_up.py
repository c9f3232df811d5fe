"""A project made up from a contract: rows with a signal in them, and a model trained on them."""

import csv
import os
import random
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import tomlkit

from engine.contract import example_rows as examples
from engine.contract.read import parse_contract
from engine.contract.types import column_type
from engine.features.encode import Encoder
from engine.training.metrics import higher_is_better

ROOT = Path(__file__).parents[2]
SOURCE = "data/rows.csv"


@contextmanager
def inside(folder: Path) -> Iterator[Path]:
    """Work in another folder for a while."""
    before = Path.cwd()
    os.chdir(folder)
    try:
        yield folder
    finally:
        os.chdir(before)


def project(folder: Path, contract_file: Path, count: int = 400) -> Path:
    """A folder with contract, hyperparameters and `count` rows; its gates let every model pass."""
    document = tomlkit.parse(contract_file.read_text(encoding="utf-8"))
    contract = parse_contract(tomlkit.dumps(document))
    document["dataset"]["source"] = SOURCE  # type: ignore[index]
    document["dataset"].pop("separator", None)  # type: ignore[union-attr]
    document["gates"].update(open_gates(contract))  # type: ignore[union-attr]
    for name in contract.tables:
        table = document["tables"][name]  # type: ignore[index]
        table["source"] = f"data/{name}.csv"  # type: ignore[index]
        table.pop("max_age_days", None)  # type: ignore[union-attr]
    (folder / "data").mkdir(parents=True)
    (folder / "contract.toml").write_text(tomlkit.dumps(document), encoding="utf-8")
    shutil.copy(ROOT / "params.toml", folder)
    write_rows(folder / SOURCE, contract, count)
    return folder


def open_gates(contract: Any) -> dict[str, float]:
    """Limits that nothing fails."""
    floor = -1e9 if higher_is_better(contract) else 1e9
    return {
        "floor": floor,
        "baseline_margin": -1e9,
        "champion_margin": -1e9,
        "slice_gap": 1.0,
        "slice_rows": 10,
        "fairness_gap": 1.0,
        "p99_ms": 1e9,
    }


def write_rows(path: Path, contract: Any, count: int, seed: int = 0) -> None:
    """A CSV file of rows the contract allows, with a target that depends on the features."""
    rows = full_rows(contract, count, seed)
    for name, table in contract.tables.items():
        _write(path.with_name(f"{name}.csv"), [_known(row, name, table, contract) for row in rows])
    looked_up = {name for name, column in contract.columns.items() if column.table}
    _write(path, [{n: v for n, v in row.items() if n not in looked_up} for row in rows])


def requests(contract: Any, count: int = 1, seed: int = 0) -> list[dict[str, Any]]:
    """Rows as a caller sends them; what is looked up is known, for `write_rows` wrote the keys."""
    [row] = full_rows(contract, 1)
    keys = {table.entity: row[table.entity] for table in contract.tables.values()}
    return examples.requests(contract, count, seed, keys)


def decoded(contract: Any, rows: list[dict[str, Any]]) -> list[tuple[Any, ...]]:
    """Rows as a model takes them: their values in its order, of the types that JSON brings.

    Raises msgspec.ValidationError for a value that the contract forbids.
    """
    columns = [(name, column_type(contract.features[name])) for name in Encoder(contract).order]
    return [tuple(msgspec.convert(row[name], kind) for name, kind in columns) for row in rows]


def _known(row: dict[str, Any], name: str, table: Any, contract: Any) -> dict[str, Any]:
    """What a feature table learns of a row's entity, half an hour before the row's own moment."""
    moment = datetime.fromisoformat(row[contract.dataset.timestamp]) - timedelta(minutes=30)
    key = {table.entity: row[table.entity], table.timestamp: moment.isoformat()}
    return key | {column: row[column] for column in contract.looked_up(name)}


def _write(path: Path, rows: list[dict[str, Any]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, fieldnames=list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


def full_rows(contract: Any, count: int, seed: int = 0) -> list[dict[str, Any]]:
    """Rows with every column that the contract names: features, keys, target and the rest."""
    chance = random.Random(seed)
    found = []
    for number, row in enumerate(examples.rows(contract, count, seed)):
        for name, column in contract.columns.items():
            if name not in row:
                can = column.type not in ("text",) and (column.type != "category" or column.values)
                row[name] = examples.value(column, chance) if can else f"text {number}"
        for table in contract.tables.values():
            row.setdefault(table.entity, f"e{number // 2}")
        row[contract.dataset.target] = _target(contract, row, chance)
        if contract.dataset.entity:
            row[contract.dataset.entity] = f"e{number // 2}"
        if contract.dataset.timestamp:
            moment = examples.START + timedelta(hours=number)
            row[contract.dataset.timestamp] = moment.isoformat()
        found.append(row)
    return found


def _target(contract: Any, row: dict[str, Any], chance: random.Random) -> Any:
    signal = sum(_position(c, row[name]) for name, c in contract.features.items())
    share = signal / len(contract.features) + chance.gauss(0, 0.1)
    if not contract.classes:
        return round(100 * share, 3)
    return contract.classes[
        min(max(int(share * len(contract.classes)), 0), len(contract.classes) - 1)
    ]


def _position(column: Any, value: Any) -> float:
    """Where a value lies between the smallest (0) and the largest (1) its column allows."""
    if value is None or column.type == "datetime":
        return 0.5
    if column.type == "boolean":
        return float(value)
    if column.type == "category":
        return float(column.values.index(value) / max(len(column.values) - 1, 1))
    low, high = examples.bounds(column)
    return float((value - low) / ((high - low) or 1))
