"""The sample data, for as long as the project still makes them."""

import subprocess
import sys
from pathlib import Path

import pytest

from engine.contract.read import load_contract
from engine.data import sample as sample_module
from engine.data.checks import check_rows
from engine.data.read import read_rows
from engine.features.lookup import complete

from .made_up import inside

ROOT = Path(__file__).parents[2]
SCRIPT = ROOT / "data/make_sample.py"
OWN = load_contract(ROOT / "contract.toml")

pytestmark = pytest.mark.skipif(
    not SCRIPT.exists() or OWN.dataset.source != "data/sample.csv",
    reason="the project has data of its own",
)


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sample, freshly made."""
    return make(tmp_path_factory.mktemp("sample") / "data/sample.csv")


def make(target: Path) -> Path:
    """Run the scripts as `up` does, but with a place of our own."""
    target.parent.mkdir(exist_ok=True)
    for script in map(ROOT.joinpath, sample_module.SCRIPTS):
        if script.exists():
            subprocess.run([sys.executable, str(script), str(target)], check=True)
    return target


def test_every_run_gives_the_same_bytes(sample: Path, tmp_path: Path) -> None:
    again = make(tmp_path / "data/sample.csv").parent

    for file in sample.parent.iterdir():
        assert (again / file.name).read_bytes() == file.read_bytes()


def test_the_sample_keeps_its_contract(sample: Path) -> None:
    with inside(sample.parent.parent):
        frame = complete(read_rows(OWN.dataset.source, OWN), OWN)

    check_rows(frame, OWN)

    assert len(frame) > 5000
    assert set(frame.columns) >= {*OWN.columns, OWN.dataset.target, OWN.dataset.entity}


def test_the_sample_has_what_real_data_have(sample: Path) -> None:
    with inside(sample.parent.parent):
        frame = read_rows(OWN.dataset.source, OWN)

    assert {column.type for column in OWN.features.values()} == {
        *("boolean", "category", "datetime", "integer", "number")
    }
    assert OWN.sensitive
    assert OWN.personal
    assert OWN.outcome_value
    sent = {name: column for name, column in OWN.features.items() if not column.table}
    assert all(frame[name].isna().any() for name, column in sent.items() if column.nullable)
