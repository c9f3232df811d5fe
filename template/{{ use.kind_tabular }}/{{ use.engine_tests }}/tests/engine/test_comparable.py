"""A version is measured only by rows that its own contract speaks of; the reason is named."""

import csv
from pathlib import Path
from typing import Any

import pytest

from engine.commands import evaluate as command
from engine.commands.registry import promote
from engine.contract.compare import difference
from engine.contract.read import load_contract, parse_contract
from engine.core.errors import ContractError, DataError, RunError
from engine.core.settings import load_settings
from engine.core.storage import Storage
from engine.registry import runs
from engine.training import reproduce, train

from .made_up import inside, project

CONTRACTS = Path(__file__).parent / "contracts"
TEXT = (CONTRACTS / "labels.toml").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A project with a champion whose contract.toml then became that of another table."""
    with inside(project(tmp_path_factory.mktemp("two") / "one", CONTRACTS / "labels.toml")) as one:
        record = train.train(load_settings(env={}))
        promote(load_settings(env={}))
        other = project(one.parent / "other", CONTRACTS / "values.toml")
        (one / "contract.toml").replace(one / "contract.before.toml")
        (other / "contract.toml").replace(one / "contract.toml")
        (one / "data/rows.csv").replace(one / "data/before.csv")
        (other / "data/rows.csv").replace(one / "data/rows.csv")
        yield one, record


def with_targets(folder: Path, path: Path, cell: str, places: set[int]) -> Path:
    """A copy of the champion's rows with another target in some of them."""
    target = load_contract(folder / "contract.before.toml").dataset.target
    with (folder / "data/before.csv").open(encoding="utf-8", newline="") as stream:
        rows = [*csv.DictReader(stream)]
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, [*rows[0]])
        writer.writeheader()
        writer.writerows(r | {target: cell} if n in places else r for n, r in enumerate(rows))
    return path


def changed(old: str, new: str) -> str:
    """What keeps a model of the contract from rows of the contract with this change."""
    assert old in TEXT
    return difference(parse_contract(TEXT), parse_contract(TEXT.replace(old, new)))


def test_the_same_contract_has_no_difference() -> None:
    assert difference(parse_contract(TEXT), parse_contract(TEXT)) == ""


@pytest.mark.parametrize("arguments", [[], ["--version", "1"]])
def test_a_version_of_another_contract_is_named_in_one_line(
    served: Any, arguments: list[str]
) -> None:
    with inside(served[0]), pytest.raises(ContractError, match="version 1 was made under") as said:
        command.main(["evaluate", *arguments])

    was, now = (load_contract(served[0] / f"contract{name}.toml") for name in (".before", ""))
    assert f"it predicts {was.dataset.target!r}, contract.toml {now.dataset.target!r}" in str(
        said.value
    )
    assert "\n" not in str(said.value)


def test_a_version_of_another_contract_is_measured_on_rows_of_its_own(
    served: Any, capsys: Any
) -> None:
    with inside(served[0]):
        assert command.main(["evaluate", "data/before.csv"]) == 0

    assert "version 1" in capsys.readouterr().out


def test_rows_that_a_version_learnt_from_are_said_to_flatter_it(
    served: Any, tmp_path: Path, capsys: Any
) -> None:
    """A file that differs in one row is no longer the same: nothing is claimed of it."""
    with inside(served[0]):
        command.main(["evaluate", "data/before.csv"])
        said = capsys.readouterr().err
        shorter = (served[0] / "data/before.csv").read_text("utf-8").splitlines()[:-1]
        (tmp_path / "other.csv").write_text("\n".join(shorter), encoding="utf-8")
        command.main(["evaluate", str(tmp_path / "other.csv")])

    assert f"learnt from {served[1].rows['train']} of these rows" in said
    assert capsys.readouterr().err == ""


def test_only_the_worst_slices_are_listed_and_the_others_counted(
    served: Any, capsys: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    with inside(served[0]):
        command.main(["evaluate", "data/before.csv"])
        every = [line for line in capsys.readouterr().out.splitlines() if " = " in line]
        monkeypatch.setattr(command, "SHOWN", 2)
        command.main(["evaluate", "data/before.csv"])

    told = capsys.readouterr().out.splitlines()
    assert 2 < len(every) <= 10
    assert [line for line in told if " = " in line] == every[:2]
    assert told[-1].strip() == f"these are the worst 2 of {len(every)} slices"
    values = [float(line.split(": ")[1].split()[0]) for line in every]
    assert values[0] == min(values)


def test_rows_without_an_outcome_are_left_out_and_counted(
    served: Any, tmp_path: Path, capsys: Any
) -> None:
    path = with_targets(served[0], tmp_path / "some.csv", "", {3, 7})
    with inside(served[0]):
        assert command.main(["evaluate", str(path)]) == 0

    told = capsys.readouterr()
    assert "2 of 400 rows have no" in told.err
    assert ", 398 rows" in told.out


@pytest.mark.parametrize(
    ("cell", "message"),
    [("perhaps", "does not keep the contract"), ("", "nothing can be measured")],
)
def test_a_file_that_cannot_be_measured_is_refused_in_words(
    served: Any, tmp_path: Path, cell: str, message: str
) -> None:
    path = with_targets(served[0], tmp_path / "none.csv", cell, {*range(400)})

    with inside(served[0]), pytest.raises(DataError, match=message):
        command.main(["evaluate", str(path)])


def test_a_champion_of_another_contract_is_not_compared_and_the_reason_is_said(
    served: Any,
) -> None:
    with inside(served[0]):
        record = train.train(load_settings(env={}))

    gate = next(gate for gate in record.gates if gate.name == "over champion")
    assert (gate.value, gate.verdict) == (None, "not measured")
    assert "made under another contract: it predicts" in gate.note


def test_a_run_is_repeated_under_its_own_contract(tmp_path: Path) -> None:
    """contract.toml has become that of another table; the rows of the run are still there."""
    with inside(project(tmp_path / "one", CONTRACTS / "labels.toml")) as one:
        run = train.train(load_settings(env={})).run_id
        other = project(tmp_path / "other", CONTRACTS / "values.toml")
        text = (other / "contract.toml").read_text("utf-8").replace("data/rows.csv", "other.csv")
        (one / "contract.toml").write_text(text, encoding="utf-8")
        (other / "data/rows.csv").replace(one / "other.csv")

        assert reproduce.reproduce(Storage("store"), run) == []

        with (one / "data/rows.csv").open("a", encoding="utf-8") as stream:
            stream.write("red,s,,true\n")
        report = "\n".join(reproduce.reproduce(Storage("store"), run))
        assert "because of the data (data/rows.csv has changed since)" in report
        assert "contract" not in report.replace("contract.toml", "")


def test_a_run_whose_contract_is_gone_cannot_be_repeated(served: Any) -> None:
    with inside(served[0]):
        storage = Storage("store")
        record = runs.load(storage, served[1].run_id)
        lost = f"runs/{record.run_id}/bundle/contract.toml"
        content = storage.read(lost)
        storage.remove(lost)
        try:
            with pytest.raises(RunError, match="without its contract"):
                reproduce.reproduce(storage, record.run_id)
        finally:
            storage.write(lost, content)
