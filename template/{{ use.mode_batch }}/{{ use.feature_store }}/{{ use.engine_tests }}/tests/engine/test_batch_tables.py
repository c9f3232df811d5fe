"""Features that stand in tables: a batch sees them as training does, at each row's own moment."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet
import pytest

from engine.batch import work
from engine.commands.registry import promote
from engine.contract.read import load_contract, parse_contract
from engine.core.errors import DataError
from engine.core.storage import Storage
from engine.data.read import feature_values, read_rows
from engine.features import encode as features
from engine.features.lookup import complete
from engine.registry import predictor
from engine.registry.registry import Registry
from engine.training import train

from .batch_jobs import config, outcome, require_each_row_once
from .feature_project import CONTRACT, PEOPLE, write
from .made_up import ROOT, inside, open_gates

DAYS = [f"2026-01-{day:02}T{hour:02}:00:00Z" for day in range(1, 21) for hour in (1, 7, 13, 19)]
EVENTS = [(person, day) for day in DAYS for person in ("ann", "bob", "cyd", "nobody")]
STRICT = CONTRACT.replace("max_age_days = 30", 'max_age_days = 5\nwhen_missing = "refuse"')


def learn(folder: Path, text: str) -> Any:
    """A project with a champion, whose training saw the tables; its contract."""
    gates = "".join(
        f"{name} = {limit}\n" for name, limit in open_gates(parse_contract(text)).items()
    )
    found = write(folder, EVENTS, text=text.replace("floor = 0.0\n", gates))
    shutil.copy(ROOT / "params.toml", folder)
    rows = folder / "data/rows.csv"
    header, *lines = rows.read_text("utf-8").splitlines()
    answers = [  # ann says yes more often than the others
        line if at % 12 in (0, 3, 4) else line.replace(",yes", ",no")
        for at, line in enumerate(lines)
    ]
    rows.write_text("\n".join([header, *answers]) + "\n", encoding="utf-8")
    train.train(config())
    promote(config())
    return found


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """An empty project folder, to work in."""
    with inside(tmp_path):
        yield tmp_path


def score(rows: str) -> Any:
    """What a batch makes of these lines: persons, moments and plans."""
    Path("rows.csv").write_text(rows, encoding="utf-8")
    return work.score(config(part_rows=3), "rows.csv", work.here)


def answers() -> list[float]:
    """The probabilities in the order of the rows."""
    [place] = Path("predictions").iterdir()
    table = pyarrow.parquet.read_table(place / "predictions").sort_by("row")
    return table.column("probability yes").to_pylist()


def test_a_batch_sees_what_training_saw(folder: Path) -> None:
    found = learn(folder, CONTRACT)
    lines = [f"{person},{day},k" for person, day in EVENTS]

    score("\n".join(["person,at,plan", *lines]))

    bundle = Registry(Storage("store")).load()[1]
    frame = complete(read_rows("data/rows.csv", found), found)
    inputs = features.Encoder(found).columns(feature_values(frame, found))
    expected = predictor.Predictor(bundle).score_inputs(inputs)[:, 1]
    np.testing.assert_array_equal(np.array(answers(), dtype=np.float32), expected)
    assert len({*answers()}) > 1, "the tables must matter"


def test_rows_without_moments_see_what_is_known_now(folder: Path) -> None:
    learn(folder, CONTRACT.replace("max_age_days = 30", ""))
    score("person,plan\nann,k\nbob,k")
    latest = answers()
    (folder / "predictions").rename("then")

    score("person,at,plan\nann,2026-02-01T00:00:00Z,k\nbob,2026-02-01T00:00:00Z,k")

    assert answers() == latest


def test_a_row_without_a_value_follows_the_policy_of_the_contract(folder: Path) -> None:
    learn(folder, STRICT)
    day = "2026-01-12T00:00:00Z"

    score(f"person,at,plan\nann,{day},k\nbob,{day},odd\nnobody,{day},k\nann,{day},l\n")

    require_each_row_once(folder / "predictions", 4)
    _, rejects, _ = outcome(folder / "predictions")
    assert sorted(rejects) == [3, 4]
    assert rejects[3].startswith("there is no value in the table people that is known")
    assert "'plan' is 'odd'" in rejects[3]
    assert "plan" not in rejects[4]


def test_another_state_of_a_table_is_another_output(folder: Path) -> None:
    learn(folder, CONTRACT)
    rows = "person,plan\nann,k\n"
    first, _ = score(rows)
    assert score(rows)[0].folder == first.folder

    write(folder, EVENTS, [*PEOPLE, ("ann", "2026-01-19T00:00:00Z", 99, 9, "", "", "")])

    assert score(rows)[0].folder != first.folder


def test_a_table_that_changes_meanwhile_is_not_mixed(folder: Path) -> None:
    learn(folder, CONTRACT)
    Path("rows.csv").write_text("person,plan\nann,k\n", encoding="utf-8")

    def slow(settings: Any, job: Any, todo: list[Any], done: Any) -> None:
        write(folder, EVENTS, PEOPLE[:-1])
        work.here(settings, job, todo, done)

    with pytest.raises(DataError, match="people"):
        work.score(config(store=str(folder / "store")), "rows.csv", slow)

    assert not list(Path("predictions").glob("*/predictions/*"))


@pytest.mark.parametrize(
    ("rows", "people", "message"),
    [
        ("at,plan\n2026-01-12T00:00:00Z,k\n", PEOPLE, "no column 'person'"),
        ("person,plan\nann,k\n", [("ann", "soon", 1, 1, "", "", "")], "the table people"),
    ],
)
def test_what_cannot_be_looked_up_is_said_and_nothing_is_written(
    folder: Path, rows: str, people: Any, message: str
) -> None:
    learn(folder, CONTRACT)
    write(folder, EVENTS, people)

    with pytest.raises(DataError, match=message):
        score(rows)

    assert load_contract().tables
    assert not Path("predictions").exists()
