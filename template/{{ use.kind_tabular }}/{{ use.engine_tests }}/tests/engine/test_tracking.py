"""The same claims for every tracking option: what it holds of runs and versions."""

import shutil
from pathlib import Path

import pytest

from engine.core.errors import RunError
from engine.core.settings import Settings
from engine.core.storage import Storage
from engine.registry import runs
from engine.registry.bundle import CONTRACT, MODEL, REFERENCE
from engine.registry.registry import Registry
from engine.registry.sealed import MANIFEST
from engine.tracking import backend as tracking
from engine.tracking import sync as track

from . import small_bundle


class Project:
    """A store with runs that went through training's steps."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.config = Settings(store=str(folder / "store"))
        self.storage = Storage(self.config.store)
        self.books = Registry(self.storage)

    def train(self, run_id: str, *, tracked: bool = True) -> None:
        """Save, log and register a run."""
        digest = small_bundle.make(self.folder / run_id, run_id, run_id.encode())
        record = small_bundle.record(run_id)
        runs.save(self.storage, record, self.folder / run_id)
        if tracked:
            tracking.log_run(self.config, record, self.folder / run_id)
        self.books.register(self.folder / run_id, run_id, digest, record.metrics)
        if tracked:
            tracking.mirror(self.config, self.books.state())


@pytest.fixture(scope="module")
def trained_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with one run; a tracker may take seconds to make its database."""
    folder = tmp_path_factory.mktemp("tracked") / "project"
    Project(folder).train("run-1")
    return folder


@pytest.fixture
def project(trained_once: Path, tmp_path: Path) -> Project:
    """A copy of that project."""
    return Project(shutil.copytree(trained_once, tmp_path / "project"))


def test_a_run_is_found_with_all_it_logged(project: Project) -> None:
    found = tracking.find(project.config, "run-1")

    record = small_bundle.record("run-1")
    assert found.params == {name: str(value) for name, value in record.inputs.params.items()}
    assert found.metrics == record.metrics
    assert set(found.artifacts) == {
        CONTRACT,
        MANIFEST,
        MODEL,
        REFERENCE,
    }


def test_an_unknown_run_is_refused(project: Project) -> None:
    with pytest.raises(RunError, match="run-9"):
        tracking.find(project.config, "run-9")


def test_aliases_follow_every_change(project: Project) -> None:
    project.train("run-2")
    seen = [tracking.aliases(project.config)]
    for change in (lambda: project.books.promote(1), project.books.promote, project.books.rollback):
        change()
        tracking.mirror(project.config, project.books.state())
        seen.append(tracking.aliases(project.config))

    assert seen == [
        {"challenger": 2},
        {"champion": 1, "challenger": 2},
        {"champion": 2},
        {"champion": 1},
    ]


def test_mirroring_again_changes_nothing(project: Project) -> None:
    project.books.promote()
    for _ in range(3):
        tracking.mirror(project.config, project.books.state())

    assert tracking.aliases(project.config) == {"champion": 1}


def test_what_the_tracker_missed_is_sent_later(project: Project) -> None:
    project.train("run-2", tracked=False)
    project.books.promote()

    track.sync(project.config)

    assert tracking.find(project.config, "run-2").metrics == small_bundle.METRICS
    assert tracking.aliases(project.config) == {"champion": 2}
    assert track.sync(project.config) == []


def test_the_runs_are_listed_with_score_verdict_and_version(project: Project) -> None:
    project.train("run-2")
    project.books.promote()

    lines = track.table(project.storage, "first").splitlines()

    assert lines[0].split() == ["run", "family", "first", "gates", "version"]
    assert lines[1].split() == ["run-1", "small", "0.7500", "passed", "1"]
    assert lines[2].split() == ["run-2", "small", "0.7500", "passed", "2,", "champion"]


def test_where_to_look_names_a_place_or_a_command(project: Project) -> None:
    assert "run.py" in tracking.where(project.config)
