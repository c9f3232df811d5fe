"""The export writes a whole app or none, and only one that keeps its gates."""

import json
import shutil
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from engine.commands import serve as command
from engine.commands import start as serving
from engine.contract.schema import Column
from engine.core.errors import GateFailed, ProjectError, RegistryError, SettingsError
from engine.core.settings import Settings
from engine.core.storage import Storage
from engine.data.typical import typical
from engine.edge import export, site, trial
from engine.edge import server as serve
from engine.registry.registry import Registry
from engine.training import export as convert

from . import edge_app
from .conftest import CONTRACTS
from .made_up import inside

own = pytest.mark.parametrize("contract_file", CONTRACTS[:1], indirect=True, ids=["own"])


@pytest.fixture
def project(trained: Path, tmp_path: Path) -> Path:
    """A trained project with its own copy of the app's sources."""
    folder = tmp_path / "project"
    shutil.copytree(trained, folder)
    shutil.copytree(
        edge_app.WEB, folder / "web", ignore=shutil.ignore_patterns("node_modules", "site*")
    )
    edge_app.app_of(trained)  # installs the packages
    (folder / "web/node_modules").symlink_to(edge_app.WEB / "node_modules", True)
    return folder


def test_each_file_is_listed_with_its_hash(trained: Path) -> None:
    app = edge_app.app_of(trained)
    listed = json.loads((app / "files.js").read_text("utf-8").strip()[len("self.APP = ") : -1])

    assert listed["files"] == {
        name: site.integrity(app / name)
        for name in site.listing(app)
        if name not in ("files.js", "service-worker.js")
    }
    assert {"index.html", "model.onnx", "runtime/ort.wasm"} <= listed["files"].keys()


def test_the_page_knows_the_contract(trained: Path, any_contract: Any) -> None:
    facts = json.loads((edge_app.app_of(trained) / "contract.json").read_text("utf-8"))

    assert [feature["name"] for feature in facts["features"]] == list(any_contract.features)
    assert facts["classes"] == list(any_contract.classes)
    assert facts["rows"] > 100
    for feature in facts["features"]:
        column = any_contract.features[feature["name"]]
        assert (feature["nullable"], feature["unit"]) == (column.nullable, column.unit)


def test_the_typical_case_is_one_that_the_contract_allows(trained: Path, predictor_of: Any) -> None:
    facts = json.loads((edge_app.app_of(trained) / "contract.json").read_text("utf-8"))

    row = {feature["name"]: feature["typical"] for feature in facts["features"]}

    assert trial.python(predictor_of, row) is not None


def test_typical_is_the_middle_number_and_the_most_frequent_value() -> None:
    def of(column: list[Any], kind: str, **more: Any) -> Any:
        return typical(pd.Series(column), Column(type=kind, **more))

    assert of([5.0, 1.0, 3.0, 100.0], "integer") == 3
    assert of(["b", "a", "b", None], "category", values=("a", "b"), nullable=True) == "b"
    assert of([1.0, 0.0, 1.0], "boolean") is True
    assert of([1.0, None, None], "number", nullable=True) is None
    days = pd.to_datetime(["2026-01-05T09:10:00", "2026-01-12T09:50:00", "2026-01-13T23:00:00"])
    assert of([*days], "datetime") == "2026-01-12T09:00:00Z"


def test_no_value_of_a_personal_column_leaves_with_the_app(trained: Path) -> None:
    _, bundle = Registry(Storage(trained / "store")).load()

    assert bundle.manifest.typical.keys().isdisjoint(bundle.contract.personal)


@own
@pytest.mark.parametrize("limit", ["runtime_mb", "model_mb", "page_mb"])
def test_weight_has_a_limit_for_each_part(trained: Path, limit: str) -> None:
    app = edge_app.app_of(trained)

    kept = export.weigh(Settings(), app)
    broken = export.weigh(Settings(**{limit: 0.0001}), app)

    assert [gate.verdict for gate in kept] == ["passed"] * 3
    assert [gate.name for gate in broken if gate.failed] == [limit.replace("_mb", " in MB")]


@own
def test_parity_has_a_limit_for_the_difference_and_one_for_the_rows(any_contract: Any) -> None:
    limit, rows = any_contract.gates.parity_tolerance, any_contract.gates.parity_rows

    def judged(difference: float, over: int) -> list[bool]:
        found = export.same_answers(any_contract, convert.Parity(100, difference, over))
        return [not gate.failed for gate in found]

    assert judged(limit, rows) == [True, True]
    assert judged(limit * 1.01, rows) == [False, True]
    assert judged(limit, rows + 1) == [True, False]


@own
def test_an_app_that_is_too_heavy_takes_no_place(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with inside(project):
        export.export(Settings())
        before = (project / "web/site/files.js").read_bytes()
        (project / "web/app/extra.js").write_text("// more\n")
        with pytest.raises(GateFailed, match="model in MB"):
            export.export(Settings(model_mb=0.0001))

    report = json.loads((project / "reports/export.json").read_text("utf-8"))
    assert "FAILED" in capsys.readouterr().out
    assert [g["name"] for g in report["gates"] if g["verdict"] == "failed"] == ["model in MB"]
    assert (project / "web/site/files.js").read_bytes() == before
    assert not (project / "web/site.part").exists()


@own
def test_an_app_that_encodes_wrongly_takes_no_place(project: Path) -> None:
    inputs = project / "web/app/inputs.js"
    text = inputs.read_text("utf-8")
    inputs.write_text(text.replace("(date.getUTCDay() + 6) % 7", "date.getUTCDay()"), "utf-8")
    assert inputs.read_text("utf-8") != text

    with inside(project), pytest.raises(GateFailed, match="app and Python"):
        export.export(Settings())

    assert not (project / "web/site").exists()


@own
def test_an_app_that_gives_other_reasons_takes_no_place(project: Path) -> None:
    explanation = project / "web/app/explanation.js"
    text = explanation.read_text("utf-8")
    explanation.write_text(text.replace("[f.name]: /** @type", "none: /** @type"), "utf-8")
    assert explanation.read_text("utf-8") != text

    with inside(project), pytest.raises(GateFailed, match="difference of reasons"):
        export.export(Settings())

    assert not (project / "web/site").exists()


def test_the_reasons_of_the_page_are_those_of_python(trained: Path, predictor_of: Any) -> None:
    near = trial.compare(predictor_of, edge_app.app_of(trained), edge_app.WEB)

    assert near.reasons < 2e-5
    assert export.same_reasons(predictor_of.contract, near.reasons).verdict == "passed"
    assert export.same_reasons(predictor_of.contract, 1.0).failed


@own
def test_an_app_that_refuses_good_rows_takes_no_place(project: Path) -> None:
    rules = project / "web/app/rules.js"
    rules.write_text(
        rules.read_text("utf-8").replace("value <= feature.high", "value < 3"), "utf-8"
    )

    with inside(project), pytest.raises(ProjectError, match=r"refuses .* rows"):
        export.export(Settings())


@own
def test_the_same_champion_gives_the_same_app(project: Path) -> None:
    with inside(project):
        export.export(Settings(), Path("one"))
        export.export(Settings(), Path("two"))

    one, two = project / "one", project / "two"
    assert site.listing(one) == site.listing(two) != []
    assert all((one / name).read_bytes() == (two / name).read_bytes() for name in site.listing(one))


@own
def test_files_of_somebody_else_are_not_deleted(project: Path) -> None:
    (project / "mine").mkdir()
    (project / "mine/diary.txt").write_text("dear diary")

    with inside(project), pytest.raises(ProjectError, match="mine holds files"):
        export.export(Settings(), Path("mine"))

    assert (project / "mine/diary.txt").read_text() == "dear diary"


@own
def test_up_once_shows_one_prediction_and_serves_every_file(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with inside(project):
        assert serving.up(Settings(port=0), once=True) == 0

    said = capsys.readouterr().out
    assert '"prediction"' in said
    assert "the app: http://127.0.0.1:" in said
    assert "files were fetched" in said


@own
def test_types_are_those_that_browsers_insist_on(trained: Path) -> None:
    with edge_app.served(edge_app.app_of(trained)) as url:
        for name, kind in {
            "runtime/ort.wasm": "application/wasm",
            "app/main.js": "text/javascript; charset=utf-8",
            "": "text/html; charset=utf-8",
        }.items():
            with urllib.request.urlopen(url + name) as answer:
                assert answer.headers["Content-Type"] == kind
                assert answer.headers["Cache-Control"] == "no-cache"
        with pytest.raises(urllib.error.HTTPError, match="404"):
            urllib.request.urlopen(f"{url}../contract.toml")


def test_a_decision_that_the_page_does_not_take_is_a_failed_gate(
    trained: Path, predictor_of: Any
) -> None:
    app = edge_app.app_of(trained)
    near = trial.compare(predictor_of, app, edge_app.WEB)
    classes = len(predictor_of.classes)
    predictor_of.decide = lambda scores: (scores.argmax(axis=1) + 1) % classes

    other = trial.compare(predictor_of, app, edge_app.WEB)

    assert export.same_decision(near.otherwise, near.scores.rows).verdict == "passed"
    assert near.otherwise == 0
    assert not classes or export.same_decision(other.otherwise, near.scores.rows).failed


@own
def test_what_is_missing_is_said_in_one_line(project: Path) -> None:
    with inside(project):
        with pytest.raises(ProjectError, match=r"run\.py export"):
            command.main(["serve"])
        (project / "store").rename(project / "gone")
        with pytest.raises(RegistryError, match="no champion yet"):
            export.export(Settings())


@own
def test_a_port_that_is_taken_is_said_in_one_line(trained: Path) -> None:
    with (
        serve.listen(Settings(port=0), trained) as taken,
        pytest.raises(SettingsError, match="APP_PORT") as caught,
    ):
        serve.listen(Settings(port=taken.server_address[1]), trained)

    assert "\n" not in str(caught.value)
