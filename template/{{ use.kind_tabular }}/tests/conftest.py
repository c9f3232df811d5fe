"""What the tests stand on: the contract, some of its rows, and a model trained on them once."""

import shutil
from pathlib import Path
from typing import NamedTuple

import msgspec
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from engine.contract import app
from engine.contract.read import load_contract
from engine.contract.schema import Contract
from engine.core.settings import Settings, load_settings
from engine.core.storage import Storage
from engine.data import sample
from engine.data.read import typed_rows
from engine.features import lookup
from engine.registry import runs
from engine.registry.bundle import Bundle
from engine.registry.inputs import current_inputs
from engine.registry.predictor import Predictor
from engine.registry.registry import Registry
from engine.training import train

MOST_ROWS = 6000  # of your data, by chance; more of them only make the tests slower


class Trained(NamedTuple):
    """A model trained for the tests."""

    record: runs.RunRecord
    store: Path
    """Where it is version 1 and the champion; yours is left alone."""
    folder: Path
    """Its bundle, not in any store."""
    digest: str
    bundle: Bundle


@pytest.fixture(scope="session")
def contract() -> Contract:
    """What contract.toml says."""
    return load_contract()


@pytest.fixture(scope="session")
def source(contract: Contract) -> pa.Table:
    """Some of the rows that `src/app/data.py` gives, raw and in their order."""
    sample.ensure(contract)
    table = app.data().load(contract)
    picked = np.random.default_rng(contract.split.seed).permutation(len(table))[:MOST_ROWS]
    return table.take(np.sort(picked))


@pytest.fixture(scope="session")
def rows(contract: Contract, source: pa.Table) -> pd.DataFrame:
    """The same rows, typed, with what is looked up in feature tables."""
    frame = typed_rows(source, contract, contract.dataset.origin)
    return lookup.complete(frame, contract)


@pytest.fixture(scope="session")
def trained(
    contract: Contract, source: pa.Table, tmp_path_factory: pytest.TempPathFactory
) -> Trained:
    """A model, trained on these rows as `python3 run.py train` trains one."""
    folder, store = tmp_path_factory.mktemp("bundle"), tmp_path_factory.mktemp("store")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(app.data(), "load", lambda _: source)
        record, digest = train.build(contract, current_inputs(contract), folder, None)
    registry = Registry(Storage(store))
    runs.save(registry.storage, record, folder)
    registry.register(folder, record.run_id, digest, record.metrics)
    registry.promote()
    return Trained(record, store, folder, digest, registry.load()[1])


@pytest.fixture(scope="session")
def predictor(trained: Trained) -> Predictor:
    """The trained model, ready to predict."""
    return Predictor(trained.bundle)


@pytest.fixture
def settings(
    contract: Contract, trained: Trained, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Settings:
    """What settings.toml says, with the store of the tests and no log of predictions.

    Where the contract has feature tables, their values lie ready in the folder worked in.
    """
    found = load_settings(env={})
    found = msgspec.structs.replace(found, store=str(trained.store), prediction_log="")
    if contract.tables:
        for table in contract.tables.values():
            if "://" not in table.source:
                copy = tmp_path / table.source
                copy.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(table.source, copy)
        monkeypatch.chdir(tmp_path)
        found = msgspec.structs.replace(found, feature_store="")
        lookup.materialize(contract, found)
    return found
