"""What a batch promises, part after part in one process; engines run the same job."""

import csv
import io
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet
import pytest

from engine.batch import job, results, scorer, work
from engine.batch.input import file as input_file
from engine.batch.input import parts
from engine.batch.input.reading import read
from engine.batch.rows.checker import Checker
from engine.batch.rows.coded_model import CodedModel
from engine.commands.registry import promote
from engine.contract import app
from engine.core.errors import DataError, ProjectError
from engine.core.storage import Storage
from engine.data.read import read_file
from engine.registry.explanation import Explainer
from engine.registry.predictor import Predictor
from engine.registry.registry import Registry
from engine.training import train

from .batch_jobs import as_parquet, config, outcome, require_each_row_once, rows_file, spoil
from .conftest import CONTRACTS
from .made_up import inside


@pytest.fixture
def project(trained: Path, tmp_path: Path) -> Path:
    """A copy of a trained project, for each contract in turn."""
    return Path(shutil.copytree(trained, tmp_path / "project"))


def run(source: Path, **changes: Any) -> Any:
    """Score a file in this process."""
    return work.score(config(**changes), str(source), work.here)


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_every_row_ends_once_and_bad_ones_are_explained(
    project: Path, any_contract: Any, kind: str
) -> None:
    source = rows_file(project, any_contract)
    bad = spoil(source, any_contract)
    source = as_parquet(source) if kind == "parquet" else source
    with inside(project):
        found, done = run(source)
        summary = results.summary(found, done)

    first = 0 if kind == "parquet" else 2
    require_each_row_once(project / "predictions", 500, first)
    _, rejects, manifest = outcome(project / "predictions")
    assert len(rejects) == bad
    assert list(rejects) == list(range(first, 500 + first, 50))
    assert all("must be" in reason for reason in rejects.values())
    assert manifest["parts"] > 5
    assert f"{500 - bad} of 500 rows scored by version 1, {bad} rejected" in summary
    assert [
        f"  row {row}: {rejects[row]}" for row in (first, first + 50, first + 100)
    ] == summary.splitlines()[1:]


def test_the_output_says_which_model_and_which_input(project: Path, any_contract: Any) -> None:
    source = rows_file(project, any_contract)
    with inside(project):
        found, done = run(source)
        version, bundle = Registry(Storage("store")).load()

    [place] = (project / "predictions").iterdir()
    table = pa.parquet.read_table(place / "predictions")
    assert set(table.column("version").to_pylist()) == {version}
    assert set(table.column("run_id").to_pylist()) == {bundle.manifest.run_id}
    assert set(table.column("input").to_pylist()) == {done.input_sha256[:16]}
    assert len(set(table.column("prediction_id").to_pylist())) == 500
    if positive := any_contract.positive:
        share = table.column(f"probability {positive}").to_numpy()
        at = bundle.contract.threshold
        reached = share >= np.float32(at) if at else share > 0.5
        assert [label == positive for label in table.column("label").to_pylist()] == [*reached]
    key = any_contract.dataset.entity
    assert not key or (key in table.column_names) == (key not in any_contract.personal)
    assert found.fingerprint in place.name


def test_a_second_run_does_nothing_and_a_changed_input_is_another(
    project: Path, any_contract: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    source = rows_file(project, any_contract)
    with inside(project):
        run(source)
        written = {path: path.stat().st_mtime_ns for path in project.rglob("predictions/**/*")}
        capsys.readouterr()
        run(source)
        assert "nothing to do" in capsys.readouterr().out
        assert {p: p.stat().st_mtime_ns for p in project.rglob("predictions/**/*")} == written
        with source.open("a", encoding="utf-8") as stream:
            stream.write(source.read_text(encoding="utf-8").splitlines()[-1] + "\n")
        run(source)
        assert len(list((project / "predictions").iterdir())) == 2


@pytest.mark.parametrize("contract_file", CONTRACTS[:1], indirect=True, ids=["own"])
def test_another_model_is_another_output(project: Path, any_contract: Any) -> None:
    source = rows_file(project, any_contract)
    with inside(project):
        run(source)
        train.train(config(), seed=99)
        promote(config())
        run(source)

    assert len(list((project / "predictions").iterdir())) == 2


def test_what_is_finished_is_not_done_again(project: Path, any_contract: Any) -> None:
    source = rows_file(project, any_contract)
    done: list[int] = []

    def interrupted(settings: Any, found: Any, todo: list[Any], _: Any) -> None:
        work.here(settings, found, todo[:3], lambda part: done.append(part.number))
        raise KeyboardInterrupt

    def counted(settings: Any, found: Any, todo: list[Any], _: Any) -> None:
        work.here(settings, found, todo, lambda part: done.append(part.number))

    with inside(project):
        with pytest.raises(KeyboardInterrupt):
            work.score(config(), str(source), interrupted)
        work.score(config(), str(source), counted)

    assert done == list(range(8))
    require_each_row_once(project / "predictions", 500)


def test_the_model_is_loaded_once_for_all_parts(project: Path, any_contract: Any) -> None:
    source = rows_file(project, any_contract)
    before = scorer.Scorer.loads

    with inside(project):
        run(source, store=str(project / "store"))

    assert scorer.Scorer.loads == before + 1


def rewritten(source: Path, change: Any) -> Path:
    """The CSV with its header or rows changed."""
    lines = source.read_text(encoding="utf-8").splitlines()
    source.write_text("\n".join(change(lines)) + "\n", encoding="utf-8")
    return source


def retyped(lines: list[str], contract: Any) -> list[str]:
    """Every value of the first number turned into words."""
    name = next(n for n, c in contract.features.items() if c.type in ("number", "integer"))
    rows = list(csv.DictReader(lines))
    text = io.StringIO()
    writer = csv.DictWriter(text, fieldnames=list(rows[0]))
    writer.writeheader()
    writer.writerows({**row, name: "some words"} for row in rows)
    return text.getvalue().splitlines()


@pytest.mark.parametrize("contract_file", CONTRACTS[:2], indirect=True, ids=["own", "awkward"])
@pytest.mark.parametrize("fault", ["empty", "no rows", "missing", "retyped", "no file", "no model"])
def test_what_cannot_be_scored_is_said_in_one_line_and_nothing_is_written(
    project: Path, any_contract: Any, fault: str
) -> None:
    source = rows_file(project, any_contract)
    if fault == "empty":
        source.write_text("")
    if fault == "no rows":
        rewritten(source, lambda lines: lines[:1])
    if fault == "missing":
        name = next(iter(any_contract.features))
        rewritten(source, lambda lines: [lines[0].replace(name, "odd", 1), *lines[1:]])
    if fault == "retyped":
        rewritten(source, lambda lines: retyped(lines, any_contract))
    if fault == "no file":
        source.unlink()
    if fault == "no model":
        shutil.rmtree(project / "store")

    with inside(project), pytest.raises(ProjectError) as caught:
        run(source)

    assert "\n" not in str(caught.value)
    assert not (project / "predictions").exists()
    assert not (project / "logs").exists()


@pytest.mark.parametrize("contract_file", CONTRACTS[:1], indirect=True, ids=["own"])
def test_a_retyped_column_of_parquet_is_refused(project: Path, any_contract: Any) -> None:
    source = as_parquet(rows_file(project, any_contract))
    table = pa.parquet.read_table(source)
    name = next(n for n, c in any_contract.features.items() if c.type in ("number", "integer"))
    days = pa.array([0] * len(table), pa.timestamp("us"))
    place = table.column_names.index(name)
    pa.parquet.write_table(table.set_column(place, name, days), source)

    with inside(project), pytest.raises(DataError, match="timestamp"):
        run(source)


@pytest.mark.parametrize("contract_file", CONTRACTS[:1], indirect=True, ids=["own"])
def test_broken_lines_are_rejects(project: Path, any_contract: Any) -> None:
    source = rows_file(project, any_contract)
    lines = source.read_bytes().splitlines()
    lines[5] = b"only one value"
    lines[90] = lines[90] + b",one more"
    lines[200] = b"\xff" + lines[200]  # the entity of the sample is not UTF-8 now
    lines[-1] = lines[-1].rpartition(b",")[0] + b',"never closed'
    source.write_bytes(b"\n".join(lines))

    with inside(project):
        run(source)

    require_each_row_once(project / "predictions", 500)
    _, rejects, _ = outcome(project / "predictions")
    assert "values, but the header has" in rejects[6]
    assert "values, but the header has" in rejects[91]
    assert "UTF-8" in rejects[201]
    assert "quote" in rejects[501]
    assert len(rejects) == 4


def test_an_input_that_changes_meanwhile_is_not_finished(project: Path, any_contract: Any) -> None:
    source = rows_file(project, any_contract)

    def slow(settings: Any, found: Any, todo: list[Any], done: Any) -> None:
        work.here(settings, found, todo, done)
        source.write_text(source.read_text(encoding="utf-8") + "\n", encoding="utf-8")

    with inside(project), pytest.raises(DataError, match="changed while"):
        work.score(config(), str(source), slow)

    assert not list((project / "predictions").glob("*/run.json"))


def answers(folder: Path) -> list[dict[str, Any]]:
    """All predictions of the only output, in the order of their rows."""
    [place] = [path for path in folder.iterdir() if path.is_dir()]
    found = [pa.parquet.read_table(path) for path in sorted(place.glob("predictions/*.parquet"))]
    rows: list[dict[str, Any]] = pa.concat_tables(found, promote_options="permissive").to_pylist()
    return rows


def turned(source: Path) -> Path:
    """Another file with the same rows from the last to the first."""
    other = source.with_name(f"turned{source.suffix}")
    if source.suffix == ".csv":
        head, *lines = source.read_bytes().splitlines(keepends=True)
        other.write_bytes(b"".join([head, *reversed(lines)]))
    else:
        table = pa.parquet.read_table(source)
        pa.parquet.write_table(table.take(list(range(len(table)))[::-1]), other, row_group_size=60)
    return other


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_a_part_read_from_other_bytes_is_not_kept_for_the_old_ones(
    project: Path, any_contract: Any, kind: str
) -> None:
    source = rows_file(project, any_contract)
    source = as_parquet(source) if kind == "parquet" else source
    old, times = source.read_bytes(), source.stat()
    with inside(project):
        run(source)
    wanted = answers(project / "predictions")
    shutil.rmtree(project / "predictions")

    def replaced() -> None:
        other = turned(source)
        os.utime(other, ns=(times.st_atime_ns, times.st_mtime_ns))
        other.replace(source)

    def swapping(settings: Any, found: Any, todo: list[Any], done: Any) -> None:
        work.here(settings, found, todo[:2], done)
        replaced()
        work.here(settings, found, todo[2:], done)

    with inside(project):
        with pytest.raises(DataError, match="changed while it was scored"):
            work.score(config(), str(source), swapping)
        source.write_bytes(old)
        run(source)

    assert answers(project / "predictions") == wanted


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_a_link_that_leads_elsewhere_while_a_part_is_read_gives_no_part(
    project: Path, any_contract: Any, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = rows_file(project, any_contract)
    source = as_parquet(source) if kind == "parquet" else source
    other, link, real = turned(source), project / f"current.{kind}", scorer.read
    link.symlink_to(source)

    def elsewhere(*given: Any) -> Iterator[Any]:
        """Whatever looks at the path before and after sees the old file."""
        link.unlink()
        link.symlink_to(other)
        found = list(real(*given))
        link.unlink()
        link.symlink_to(source)
        yield from found

    monkeypatch.setattr(scorer, "read", elsewhere)
    with inside(project), pytest.raises(DataError, match="changed while it was scored"):
        run(link)

    assert not list((project / "predictions").rglob("part-*"))


def test_a_broken_row_group_is_named_with_its_rows(project: Path, any_contract: Any) -> None:
    source = as_parquet(rows_file(project, any_contract))
    column = pa.parquet.ParquetFile(source).metadata.row_group(3).column(0)
    content = bytearray(source.read_bytes())
    start = column.dictionary_page_offset or column.data_page_offset
    content[start : start + column.total_compressed_size] = b"\xff" * column.total_compressed_size
    source.write_bytes(bytes(content))

    with inside(project), pytest.raises(DataError, match=r"row group 3 \(rows 180 to 239\)"):
        run(source)


def test_a_lost_part_is_noticed(project: Path, any_contract: Any) -> None:
    source = rows_file(project, any_contract)

    def forgetful(settings: Any, found: Any, todo: list[Any], done: Any) -> None:
        work.here(settings, found, todo, done)
        place = job.place(found)
        text = place.read("predictions/part-00000.parquet")
        place.write("predictions/part-00001.parquet", text)
        place.write("rejects/part-00001.csv", b"row,reason\n2,twice\n")

    with inside(project), pytest.raises(DataError, match="part 1 holds"):
        work.score(config(), str(source), forgetful)


def test_patterns_name_files(tmp_path: Path) -> None:
    for name in ("b.csv", "a.csv"):
        (tmp_path / name).touch()
    with inside(tmp_path):
        assert results.files(config(), ["*.csv"]) == ["a.csv", "b.csv"]
        assert results.files(config(input="x.csv"), []) == ["x.csv"]
        with pytest.raises(DataError, match="matches no file"):
            results.files(config(), ["*.parquet"])


def test_a_folder_and_the_files_of_the_contract_are_scored_one_by_one(tmp_path: Path) -> None:
    (tmp_path / "parts").mkdir()
    for name in ("b.csv", "a.csv"):
        (tmp_path / "parts" / name).touch()
    text = CONTRACTS[1].read_text(encoding="utf-8")
    old = 'source = "data/rows.csv"'
    assert old in text
    (tmp_path / "contract.toml").write_text(text.replace(old, 'source = ["parts/b.csv", "x.csv"]'))

    with inside(tmp_path):
        assert results.files(config(), ["parts"]) == ["parts/a.csv", "parts/b.csv"]
        assert results.files(config(), []) == ["parts/b.csv", "x.csv"]


def test_the_rows_of_a_query_are_kept_and_scored_once(
    project: Path, any_contract: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever brings them: the file is named by what it holds."""
    rows = read_file(str(rows_file(project, any_contract)), ",")
    monkeypatch.setattr(app.data(), "load", lambda _: rows)
    with inside(project):
        path = project / "contract.toml"
        path.write_text(path.read_text("utf-8").replace("[dataset]", '[dataset]\nquery = "x"', 1))
        [source] = results.files(config(), [])
        assert results.files(config(), []) == [source]
        found, done = run(Path(source))

    assert source.startswith("predictions/rows-")
    assert (done.scored, done.rejected) == (500, 0)
    assert results.summary(found, done).startswith("500 of 500 rows scored by version 1")


def test_what_moved_each_prediction_is_named_when_asked(project: Path, any_contract: Any) -> None:
    """The same numbers as a server gives, for as many features as asked, the largest first."""
    if any_contract.tables:
        pytest.skip("its rows lack what is looked up")
    source = rows_file(project, any_contract)
    with inside(project):
        plain, _ = run(source)
        told, _ = run(source, explain=2)
        predictor = Predictor(Registry(Storage("store")).load()[1])
        table = pa.parquet.read_table(job.place(told).path("predictions"))
        other = pa.parquet.read_table(job.place(plain).path("predictions"))

    extra = [name for name in table.column_names if name not in other.column_names]
    explainer = Explainer(predictor.bundle)
    count = min(2, len(explainer.names))
    assert extra == [
        f"{what} {rank}" for rank in range(1, count + 1) for what in ("reason", "change")
    ]
    assert plain.folder != told.folder
    first = table.slice(0, 1).to_pylist()[0]
    [batch] = read(
        input_file.InputFile(str(source)),
        told.layout,
        told.layout.parts[0],
        [*any_contract.features],
        any_contract.dataset,
    )
    checked = Checker(any_contract)(batch.rows)
    inputs = (checked.numbers, CodedModel(predictor.bundle).texts(checked.codes))
    scores = predictor.score_inputs(inputs)
    decided = predictor.decide(scores) if predictor.classes else None
    places = explainer.explained(decided, len(scores))
    changes = np.nan_to_num(explainer.changes(predictor.score_inputs, inputs, scores, places)[0])
    found = changes[np.argsort(-np.abs(changes), kind="stable")[:count]]
    given = [first[f"change {rank}"] or 0.0 for rank in range(1, count + 1)]
    assert given == pytest.approx(found.tolist(), abs=1e-4, rel=1e-3)


def test_parts_cover_the_file(project: Path, any_contract: Any) -> None:
    source = rows_file(project, any_contract)
    found = parts.divide(input_file.InputFile(str(source)), any_contract.dataset, 70)

    assert [part.rows for part in found.parts] == [70] * 7 + [10]
    assert [part.first_row for part in found.parts] == list(range(2, 500, 70))
    assert found.parts[-1].end == source.stat().st_size
