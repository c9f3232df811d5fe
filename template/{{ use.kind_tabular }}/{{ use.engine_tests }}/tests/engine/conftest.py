"""Fixtures of the engine's tests: each contract in turn, and a project trained on it."""

from pathlib import Path

import pytest

from engine.commands.registry import promote
from engine.contract.read import load_contract
from engine.contract.schema import Contract
from engine.core.settings import load_settings
from engine.core.storage import Storage
from engine.features import lookup
from engine.registry.predictor import Predictor
from engine.registry.registry import Registry
from engine.training import train

HERE = Path(__file__).parent
PROJECT = HERE.parents[1]
CONTRACTS = [PROJECT / "contract.toml", *sorted((HERE / "contracts").glob("*.toml"))]


@pytest.fixture(scope="session", params=CONTRACTS, ids=["own", *(c.stem for c in CONTRACTS[1:])])
def contract_file(request: pytest.FixtureRequest) -> Path:
    """The project's own contract, then each of those that are easy to get wrong."""
    path: Path = request.param
    return path


@pytest.fixture(scope="session")
def any_contract(contract_file: Path) -> Contract:
    """Each contract in turn."""
    return load_contract(contract_file)


@pytest.fixture(scope="session")
def trained(contract_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project folder with a champion, for each contract in turn; never change it."""
    from .made_up import inside, project

    with inside(project(tmp_path_factory.mktemp("trained") / "project", contract_file)) as folder:
        config = load_settings(env={})
        train.train(config)
        promote(config)
        if (found := load_contract()).tables:
            lookup.materialize(found, config)
    return folder


@pytest.fixture(scope="session")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project trained on names and values that try to become part of a page."""
    from .hostile import HOSTILE, trained

    return trained(tmp_path_factory.mktemp("hostile") / "project", HOSTILE)


@pytest.fixture(scope="session")
def harmless(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same with plain words."""
    from .hostile import HARMLESS, trained

    return trained(tmp_path_factory.mktemp("harmless") / "project", HARMLESS)


@pytest.fixture(scope="session")
def bundle_store(trained: Path) -> Storage:
    """The store of the trained project."""
    return Storage(trained / "store")


@pytest.fixture
def predictor_of(bundle_store: Storage) -> Predictor:
    """The champion, ready to predict."""
    return Predictor(Registry(bundle_store).load()[1])
