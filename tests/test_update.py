"""`copier update`: what the owner did stays, what the template did arrives.

The releases are made by the test (releases.py). An update is right when it gives exactly what the
owner's edits would have made of a fresh render of the new release.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import copier
import pytest
import yaml

from template.tools.template import ANSWERS

from . import owner
from .conftest import git
from .conversation import SEAMS, Answers, alone, fits, pairs
from .releases import (
    BUMP,
    LATER,
    MOVED,
    NEXT,
    NOW,
    REMOVED,
    RENAMED,
    move,
    render_at,
    replace,
    tree,
)

LOCKS = {"requirements.lock", "requirements-serve.lock"}
SPREAD: dict[
    str, tuple[Answers, Answers]
] = {  # answers at the first release, answers switched later
    "defaults": ({}, {}),
    "gitlab": ({"ci": "gitlab", "problem": "regression", "python_minor": "3.13"}, {}),
    "mlflow-s3": ({"tracking": "mlflow", "artifact_store": "s3", "model": "linear"}, {}),
    "personal": ({"personal_data": True, "privacy": "none", "ground_truth": "none"}, {}),
    "switch-model": ({}, {"model": "linear"}),
    "switch-tracking-store": (
        {"personal_data": True},
        {"tracking": "mlflow", "artifact_store": "shelf"},
    ),
    "switch-ci": ({"ci": "github", "tracking": "mlflow"}, {"ci": "gitlab", "tracking": "files"}),
}

SWITCHES = {  # in each seam from every option to the next, and from the last to the first
    f"{seam}: {one} to {other}": (alone()[f"{seam}={one}"], alone()[f"{seam}={other}"])
    for seam, options in SEAMS.items()
    for one, other in zip(options, [*options][1:] + [*options][:1], strict=True)
    if one != other
}


def update(project: Path, data: Answers, release: str = NEXT, trust: bool = False) -> None:
    """`copier update --defaults`, without trust unless asked for."""
    copier.run_update(
        project,
        data=data,
        vcs_ref=release,
        defaults=True,
        overwrite=True,
        quiet=True,
        unsafe=trust,
        settings=copier.Settings(),
    )


def conflicts(project: Path) -> set[str]:
    """The files that git calls unmerged, and rejected hunks."""
    unmerged = {line.split("\t")[1] for line in git(project, "ls-files", "-u").splitlines()}
    return unmerged | {path.name for path in project.rglob("*.rej")}


def recorded(project: Path) -> Answers:
    """The answers that a project was made with."""
    answers: Answers = yaml.safe_load((project / ANSWERS).read_text("utf-8"))
    return answers


def check_update(releases: Path, tmp_path: Path, before: Answers, switched: Answers) -> None:
    """Render, edit and update; compare with the same edits on a fresh render."""
    project = render_at(releases, NOW, tmp_path / "demo", before)
    told = {name: answer for name, answer in recorded(project).items() if name[0] != "_"}
    kept = {name: answer for name, answer in told.items() if fits(switched | {name: answer})}
    expected = render_at(releases, NEXT, tmp_path / "fresh" / "demo", kept | switched)
    owner.adopt(project, lambda folder: owner.edit(folder, expected))
    owner.edit(expected, project)
    for path in owner.CI:  # the edits of another provider's file cannot follow
        if (expected / path).exists() and not (project / path).exists():
            replace(expected / path, "# ours\n", "")
    left = {path: (project / path).read_text("utf-8") for path in (REMOVED, RENAMED[0])}

    update(project, switched)

    # Rows of a switched option may land beside the owner's row: the locks are then made anew. Of
    # another kind nearly every package is another one.
    unmerged = conflicts(project)
    other_kind = {"pyproject.toml"} if "problem" in switched else set()
    assert unmerged <= (LOCKS | other_kind if switched else set())
    result, wanted = tree(project), tree(expected) | left
    assert result | {lock: wanted[lock] for lock in unmerged} == wanted
    assert f"{BUMP[0]}=={BUMP[1]}" in result["requirements.lock"]


@pytest.mark.parametrize("name", SPREAD)
def test_an_update_equals_a_fresh_render_with_the_same_edits(
    releases: Path, tmp_path: Path, name: str
) -> None:
    check_update(releases, tmp_path, *SPREAD[name])


@pytest.mark.full
@pytest.mark.parametrize("name", SWITCHES)
def test_every_option_can_be_switched_to_and_from(
    releases: Path, tmp_path: Path, name: str, record_property: Callable[[str, object], None]
) -> None:
    check_update(releases, tmp_path, *SWITCHES[name])

    seam, _, options = name.partition(": ")
    for what, option in zip(("left", "taken"), options.split(" to "), strict=True):
        record_property(what, f"{seam}={option}")


@pytest.mark.full
@pytest.mark.parametrize("name", pairs())
def test_every_pair_of_answers_updates(releases: Path, tmp_path: Path, name: str) -> None:
    check_update(releases, tmp_path, pairs()[name], {})


def test_both_sides_on_the_same_line_is_a_visible_conflict(releases: Path, tmp_path: Path) -> None:
    def same_line(folder: Path) -> None:
        replace(folder / ".gitignore", ".hypothesis/\n", ".hypothesis/examples/\n")

    project = owner.adopt(render_at(releases, NOW, tmp_path / "demo", {}), same_line)

    update(project, {})

    assert conflicts(project) == {".gitignore"}
    assert ".hypothesis/examples/" in (project / ".gitignore").read_text("utf-8")


def test_edits_of_a_seam_whose_answer_is_switched_are_a_visible_conflict(
    releases: Path, tmp_path: Path
) -> None:
    project = owner.adopt(render_at(releases, NOW, tmp_path / "demo", {}), owner.own_model)

    update(project, {"model": "linear"})

    assert {Path(path).name for path in conflicts(project)} <= {"model.py"}
    assert "def my_own_model()" in (project / "src/app/model.py").read_text("utf-8")


def test_edits_of_a_removed_and_of_a_renamed_file_stay(releases: Path, tmp_path: Path) -> None:
    def annotate(folder: Path) -> None:
        for path in (REMOVED, RENAMED[0]):
            owner.append(folder / path, "# ours\n")

    project = owner.adopt(render_at(releases, NOW, tmp_path / "demo", {}), annotate)

    update(project, {})

    for path in (REMOVED, RENAMED[0]):
        assert (project / path).read_text("utf-8").endswith("# ours\n")
    assert (project / RENAMED[1]).read_text("utf-8").startswith("# On call\n")


@pytest.fixture(scope="session")
def moving(releases: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The releases and a third one with a migration."""
    target = tmp_path_factory.mktemp("moving") / "copier-ml"
    git(releases, "clone", "--quiet", str(releases), str(target))
    return move(target)


@pytest.mark.parametrize("edited", [True, False])
def test_a_migration_moves_a_file_with_its_edits(
    moving: Path, tmp_path: Path, edited: bool
) -> None:
    def annotate(folder: Path) -> None:
        owner.append(folder / MOVED[0], "# ours\n")

    project = render_at(moving, NEXT, tmp_path / "demo", {})
    owner.adopt(project, *[annotate] * edited)

    update(project, {}, LATER, trust=True)

    assert not (project / MOVED[0]).exists()
    assert ("# ours" in (project / MOVED[1]).read_text("utf-8")) == edited
    assert conflicts(project) == ({MOVED[1]} if edited else set())


def test_an_update_over_a_migration_needs_trust(moving: Path, tmp_path: Path) -> None:
    project = owner.adopt(render_at(moving, NEXT, tmp_path / "demo", {}))

    with pytest.raises(copier.errors.UnsafeTemplateError):
        update(project, {}, LATER)
    assert not git(project, "status", "--short")
