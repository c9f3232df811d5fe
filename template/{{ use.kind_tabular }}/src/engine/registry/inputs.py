"""What a run is made from: data, contract, code, lock, hyperparameters, seed, and where it ran."""

import tomllib
from pathlib import Path
from typing import Any

from engine.contract import app
from engine.contract.schema import Contract
from engine.core import provenance
from engine.core.errors import SettingsError
from engine.core.provenance import hash_of
from engine.data.read import file_hash, table_hash
from engine.registry.runs import Inputs

# Whole folders, so that nothing that decides what a model becomes can be forgotten.
CODE = ("app", "engine/contract", "engine/data", "engine/features", "engine/training")


def current_inputs(
    contract: Contract, overrides: list[str] | None = None, seed: int | None = None
) -> Inputs:
    """What a run started now would be made from."""
    return Inputs(
        data=data_hash(contract),
        contract=contract.fingerprint,
        code=code_hash(),
        lock=provenance.lock_hash(),
        params=params(contract.dataset.task, overrides or []),
        seed=contract.split.seed if seed is None else seed,
    )


def data_hash(contract: Contract) -> str:
    """A hash of the rows, and of the feature tables if there are any."""
    own = table_hash(app.data().load(contract))
    tables = [file_hash(table.source) for table in contract.tables.values()]
    return hash_of("\n".join([own, *tables]).encode()) if tables else own


def params(task: str, overrides: list[str], path: str = "params.toml") -> dict[str, Any]:
    """Hyperparameters of the task from the file, with `NAME=VALUE` overrides on top.

    Raises SettingsError for a broken file or an override that has no value.
    """
    try:
        values = dict(tomllib.loads(Path(path).read_text(encoding="utf-8")).get(task, {}))
    except (OSError, tomllib.TOMLDecodeError) as error:
        raise SettingsError(f"{path} cannot be read: {error}") from None
    for override in overrides:
        name, equals, text = override.partition("=")
        if not equals or not name or not text:
            raise SettingsError(f"--set {override!r} must have the form NAME=VALUE")
        try:
            values[name] = tomllib.loads(f"value = {text}")["value"]
        except tomllib.TOMLDecodeError:
            values[name] = text
    return values


def code_hash(src: Path = provenance.SRC) -> str:
    """A hash of every file that decides what a model becomes."""
    return provenance.files_hash(CODE, src)
