"""The locks: what a copy prints is a slice of a universe, and the slice is a real resolution."""

from __future__ import annotations

import os
import random
import re
import shutil
import subprocess
import sys
import time
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from allpairspy import AllPairs
from jinja2 import FileSystemLoader
from jinja2.sandbox import SandboxedEnvironment
from packaging.requirements import Requirement

from extensions.locks import universe
from extensions.locks.__main__ import moved, only
from extensions.locks.universe import JOBS, MINORS, Package, Universe
from template.tools import lock

from .conftest import ROOT, Render
from .conversation import CATALOGUE, SEAMS, alone, pairs

Line = tuple[str, str, dict[str, str], str]  # name, version, marker -> components, hashes
ENVIRONMENT = SandboxedEnvironment(
    loader=FileSystemLoader(ROOT),
    trim_blocks=True,
    lstrip_blocks=True,
    keep_trailing_newline=True,
)
MINOR = "{}.{}".format(*sys.version_info)
PRINTED = (*JOBS, "cuda")


def lines(minor: str) -> list[Line]:
    """The rows of a universe, read without Jinja."""
    found = []
    for row in re.findall(r"(?m)^[\w.-]+==.*\|.*$", universe.path(minor).read_text("utf-8")):
        release, hashes, *reach = row.split("|")
        name, _, version = release.partition("==")
        found.append((name, version, dict(zip(reach[::2], reach[1::2], strict=True)), hashes))
    return found


def printed(name: str, minor: str, owners: Sequence[str]) -> str:
    """What a copy prints into the lock `name` for these owners."""
    use = dict.fromkeys(owners, ".")
    return ENVIRONMENT.get_template(f"template/{name}.jinja").render(use=use, python_minor=minor)


def expected(minor: str, owners: Sequence[str], jobs: Sequence[str]) -> str:
    """The same slice, worked out row by row in plain Python."""
    named = {component.rsplit(".", 1)[0] for component in universe.components(CATALOGUE)}
    here = {"base", *owners}
    beside = [owner for owner in named if "+" in owner and {*owner.split("+")} <= here]
    chosen = {f"{owner}.{job}" for owner in (*here, *beside) for job in jobs}
    builds = universe.read(minor).builds
    text = ""
    for name, version, reach, hashes in lines(minor):
        reached = {marker: chosen & {*found.split()} for marker, found in reach.items()}
        markers = sorted(marker for marker, found in reached.items() if found)
        if not markers:
            continue
        here = {found.split(".")[1] for each in reached.values() for found in each}
        row = (
            f"{name}=={version}" if "" in markers else f"{name}=={version} ; {' or '.join(markers)}"
        )
        for digest in hashes.split():
            row += f" \\\n    --hash=sha256:{digest}"
        comment = " ".join(job for job in PRINTED if job in here)
        text += row + "\n" + (f"    # for: {comment}\n" if len(jobs) > 1 else "")
        text += f"# cpu: {builds[name]}\n" if len(jobs) > 1 and name in builds else ""
    return text


def combinations() -> dict[str, tuple[str, list[str]]]:
    """Every option by itself, a pairwise cover of the seams, and 300 random choices."""
    draw = random.Random(20261122)
    options = [[f"{seam}_{option}" for option in SEAMS[seam]] for seam in SEAMS]
    found = {owner: (minor, [owner]) for minor in MINORS for seam in options for owner in seam}
    for number, row in enumerate(AllPairs([list(MINORS), *options])):
        found[f"pair-{number}"] = (row[0], row[1:])
    for number in range(300):
        chosen = [draw.choice(seam) for seam in options if draw.random() < 0.8]
        found[f"random-{number}"] = (draw.choice(MINORS), chosen)
    return found


COMBINATIONS = combinations()
SINGLES = {
    f"{minor}-{o}": (minor, [f"{s}_{o}"]) for minor in MINORS for s in SEAMS for o in SEAMS[s]
}


@pytest.mark.parametrize(
    ("minor", "owners"), (COMBINATIONS | SINGLES).values(), ids=(COMBINATIONS | SINGLES).keys()
)
def test_a_copy_prints_the_rows_of_its_options(minor: str, owners: list[str]) -> None:
    everything = printed("requirements.lock", minor, owners)
    image = printed("requirements-serve.lock", minor, owners)

    assert everything == lock.HEADER + expected(minor, owners, PRINTED)
    assert image == lock.SERVE_HEADER + expected(minor, owners, ["serve"])


@pytest.mark.parametrize("minor", MINORS)
def test_a_universe_has_each_package_once_with_hashes_and_names_no_index(minor: str) -> None:
    text = universe.path(minor).read_text(encoding="utf-8")
    rows = lines(minor)

    assert len(rows) == len(re.findall(r"(?m)^\S+==.+[|]", text)) > 100
    assert [name for name, *_ in rows] == sorted({name for name, *_ in rows})
    assert all(re.fullmatch(r"[0-9a-f]{64}( [0-9a-f]{64})*", hashes) for *_, hashes in rows)
    assert "://" not in text


@pytest.mark.parametrize("minor", MINORS)
def test_the_universe_is_in_step_with_the_catalogue(minor: str) -> None:
    wanted = universe.components(CATALOGUE)
    locked = {name: (version, " ".join(reach.values())) for name, version, reach, _ in lines(minor)}
    direct = universe.read(minor).direct

    assert direct.keys() == wanted.keys(), "run: python3 run.py lock"
    for component, needs in wanted.items():
        assert len(needs) == len(direct[component]), f"{component}: run: python3 run.py lock"
        for need in map(Requirement, needs):
            version, reached = locked[lock.normal(need.name)]
            assert need.specifier.contains(version), f"{need}: run: python3 run.py lock"
            assert component in reached.split()


@pytest.mark.parametrize("minor", MINORS)
def test_pyproject_pins_what_the_lock_holds(minor: str, render: Render) -> None:
    rendered = render(python_minor=minor, tracking="mlflow", artifact_store="s3")

    locked = {row.name: row.version for row in lock.rows(read(rendered))}
    text = (rendered / "pyproject.toml").read_text("utf-8")
    pins = re.findall(r'^    "([\w.-]+)(?:\[.*?])?==([^\s";]+)', text, re.M)

    assert len(pins) > 20
    assert all(locked[name] == version for name, version in pins)
    assert f'requires-python = ">={minor},<3.{int(minor[2:]) + 1}"' in text


@pytest.mark.parametrize("minor", MINORS)
def test_reading_a_universe_and_writing_it_changes_no_byte(
    minor: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    committed = universe.path(minor).read_bytes()
    found = universe.read(minor)
    monkeypatch.setattr(universe, "path", lambda _: tmp_path / "universe.jinja")

    universe.write(minor, found)

    assert (tmp_path / "universe.jinja").read_bytes() == committed


def test_reach_is_kept_for_each_marker(monkeypatch: pytest.MonkeyPatch) -> None:
    everywhere, windows = lock.Row("a", "1", "", ("00",)), lock.Row("a", "1", "w", ("00",))
    answer = {"base.serve": [windows], "base.dev": [everywhere], "x_y.train": [windows]}
    monkeypatch.setattr(universe, "resolve", lambda *_, **__: answer)

    found = universe.build("3.11", {"base.serve": ["A[more]<2; os_name == 'nt'"]}, Universe({}, {}))

    assert found.packages["a"].reach == {"w": ["base.serve", "x_y.train"], "": ["base.dev"]}
    assert found.direct == {"base.serve": ["a[more]==1; os_name == 'nt'"]}


def test_what_is_set_apart_is_a_job_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    card = lock.Row("nvidia-x", "1", "", ("00",), apart="cuda")
    monkeypatch.setattr(
        universe, "resolve", lambda *_, **__: {"a_b.train": [card], "a_b.dev": [card]}
    )

    found = universe.build("3.11", {}, Universe({}, {}))

    assert found.packages["nvidia-x"].reach == {"": ["a_b.cuda"]}


@pytest.mark.parametrize("minor", MINORS)
def test_the_gigabytes_of_cuda_are_in_no_other_job(minor: str) -> None:
    large = {
        name: " ".join(reach.values())
        for name, _, reach, _ in lines(minor)
        if name == "triton" or name.startswith(("nvidia-", "cuda-"))
    }

    assert len(large) > 15
    assert set(large.values()) == {"model_mlp.cuda"}


def test_a_build_for_the_cpu_must_be_of_the_locked_version() -> None:
    record = {"builds": {"torch==2.1+cpu": {"Linux": "00", "Windows": "11"}}}
    locked = Universe({"torch": Package("2.1", ("22",))}, {})
    newer = Universe({"torch": Package("2.2", ("22",))}, {})

    found = universe.accept(locked, {"a": {"options": {"b": record}}}).builds

    assert found == {"torch": "torch==2.1+cpu --hash=sha256:00 --hash=sha256:11"}
    with pytest.raises(lock.LockError, match=r"torch==2.1\+cpu, but 2.2 is locked"):
        universe.accept(newer, {"a": {"options": {"b": record}}})


def test_two_versions_of_a_package_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    answer = {"base.serve": [lock.Row("a", "1", "", ("00",)), lock.Row("a", "2", "", ("11",))]}
    monkeypatch.setattr(universe, "resolve", lambda *_, **__: answer)

    with pytest.raises(lock.LockError, match="a has two versions: 1, 2"):
        universe.build("3.11", {}, Universe({}, {}))


@pytest.mark.parametrize(
    "requirement", ["numpy==2.0", "numpy @ file:///numpy", "", "numpy===2", "a b"]
)
def test_the_catalogue_may_not_pin(requirement: str) -> None:
    with pytest.raises(lock.LockError, match="catalogue: "):
        universe.pin(requirement, {"numpy": Package("2.0", ("00",))})


def test_a_seam_and_its_options_have_packages_of_their_own() -> None:
    seam = {"packages": {"dev": ["a"]}, "options": {"one": {"packages": {"train": ["b"]}}}}

    assert universe.components({"base": {}, "x": seam}) == {"x.dev": ["a"], "x_one.train": ["b"]}


def test_packages_may_be_needed_only_beside_an_option_of_another_seam() -> None:
    more = {"packages": {"serve": ["c"]}}
    seam = {"with": {"y": {"two": more}}, "options": {"one": {"with": {"y": {"two": more}}}}}

    assert universe.components({"base": {}, "x": seam}) == {
        "x+y_two.serve": ["c"],
        "x_one+y_two.serve": ["c"],
    }


@pytest.mark.parametrize("minor", MINORS)
def test_tables_are_joined_by_batches_and_by_no_server(minor: str) -> None:
    def image(mode: str, store: str) -> set[str]:
        owners = ["kind_tabular", f"mode_{mode}", "feature_store", f"feature_store_{store}"]
        return {row.name for row in lock.rows(printed("requirements-serve.lock", minor, owners))}

    assert {"duckdb", "pandera"} <= image("batch", "tables")
    assert {"duckdb", "pandera"} & image("batch", "feast") == {"pandera"}
    assert not {"duckdb", "pandera"} & image("real_time", "tables")


@pytest.mark.parametrize(
    ("source", "packages"),
    [("files", set()), ("duckdb", {"duckdb"}), ("postgres", {"psycopg", "psycopg-binary"})],
)
def test_a_database_is_asked_by_training_and_batches_and_by_no_server(
    source: str, packages: set[str]
) -> None:
    def held(file: str, mode: str) -> set[str]:
        owners = ["kind_tabular", f"mode_{mode}", "data_source", f"data_source_{source}"]
        found = {row.name for row in lock.rows(printed(file, MINORS[0], owners))}
        return found & {"duckdb", "psycopg", "psycopg-binary"}

    assert held("requirements.lock", "real_time") == packages
    assert held("requirements-serve.lock", "batch") == packages
    assert held("requirements-serve.lock", "real_time") == set()


def test_a_job_that_does_not_exist_is_refused_by_name() -> None:
    with pytest.raises(lock.LockError, match="base: 'sreve' is not a job"):
        universe.components({"base": {"packages": {"sreve": ["numpy"]}}})


def test_an_address_is_never_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(universe, "path", lambda _: tmp_path / "universe.jinja")

    with pytest.raises(lock.LockError, match="address"):
        universe.write("3.11", Universe({"a": Package("1 @ https://example.com", ("00",))}, {}))


def test_an_upgrade_tells_what_moved_and_which_copies_it_touches() -> None:
    def locked(reach: dict[str, list[str]], **versions: str) -> Universe:
        return Universe({name: Package(v, ("00",), reach) for name, v in versions.items()}, {})

    options = {"": ["artifact_store_s3.serve"], "w": ["tracking_mlflow.dev"]}
    batches = {"": ["feature_store_tables+mode_batch.serve"]}
    everybody = {"": ["base.train", "tracking_mlflow.train"]}
    named = "artifact_store=s3, tracking=mlflow"

    assert moved(locked(options, a="1", b="1", c="1"), locked(options, a="1", b="2", d="1")) == [
        f"b 1 -> 2: {named}",
        f"c 1 goes: {named}",
        f"d 1 comes in: {named}",
    ]
    assert moved(locked({}), locked(everybody, a="1")) == ["a 1 comes in: every copy"]
    assert moved(locked({}), locked(batches, a="1")) == [
        "a 1 comes in: feature_store=tables with mode=batch"
    ]


def test_an_upgrade_names_a_move_once_for_all_pythons() -> None:
    assert only([*MINORS]) == ""
    assert only(["3.11", "3.13"]) == " (Python 3.11, 3.13)"


def test_printing_both_locks_costs_a_copy_less_than_half_a_second() -> None:
    owners = [f"{seam}_{next(reversed(SEAMS[seam]))}" for seam in SEAMS]
    fresh = SandboxedEnvironment(loader=FileSystemLoader(ROOT), trim_blocks=True)
    context: dict[str, Any] = {"use": dict.fromkeys(owners, "."), "python_minor": MINOR}

    began = time.process_time()
    for name in ("requirements.lock", "requirements-serve.lock"):
        fresh.get_template(f"template/{name}.jinja").render(context)

    assert time.process_time() - began < 0.5


def read(folder: Path) -> str:
    """The lock of a repository."""
    return (folder / "requirements.lock").read_text(encoding="utf-8")


def test_the_template_locks_itself_in_the_same_form() -> None:
    own = read(ROOT)
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    by_job: dict[str, set[str]] = {job: set() for job in project["dependency-groups"]}
    for rows, jobs in re.findall(r"(?ms)^(\S.*?)^    # for: (.+?)$", own.removeprefix(lock.HEADER)):
        for job in jobs.split():
            by_job[job] |= {row.name for row in lock.rows(rows)}

    assert "://" not in own
    for job, needs in project["dependency-groups"].items():
        assert {lock.normal(Requirement(need).name) for need in needs} <= by_job[job]


# ---- with an index of packages ----------------------------------------------------------------


@pytest.fixture
def project(request: pytest.FixtureRequest, render: Render, tmp_path: Path) -> Path:
    """A copy of a render for the Python that runs the tests."""
    answers = {**request.param, "python_minor": MINOR}
    return Path(shutil.copytree(render(**answers), tmp_path / "demo"))


def relock(project: Path, *arguments: str) -> str:
    """`python3 run.py lock`, with the tools of this environment."""
    call = [sys.executable, "-m", "tools.lock", *arguments]
    done = subprocess.run(call, cwd=project, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


HEADLINE = pytest.param({"tracking": "mlflow", "artifact_store": "s3"}, id="headline")
RENDERS = [HEADLINE] + [
    pytest.param(answers, id=name, marks=pytest.mark.full)
    for name, answers in (alone() | pairs()).items()
]


@pytest.mark.parametrize("project", RENDERS, indirect=True)
def test_a_real_resolution_of_a_render_moves_nothing(project: Path) -> None:
    before = {path.name: path.read_bytes() for path in project.glob("*.lock")}
    pinned = (project / "pyproject.toml").read_bytes()

    said = relock(project)

    assert "->" not in said
    assert {path.name: path.read_bytes() for path in project.glob("*.lock")} == before
    assert (project / "pyproject.toml").read_bytes() == pinned


@pytest.mark.parametrize("project", [HEADLINE], indirect=True)
def test_a_new_package_moves_no_other(project: Path) -> None:
    file = project / "pyproject.toml"
    before = {row.name: row for row in lock.rows(read(project))}
    file.write_text(file.read_text("utf-8").replace("serve = [\n", 'serve = [\n    "humanize",\n'))

    said = relock(project)

    after = {row.name: row for row in lock.rows(read(project))}
    assert said.startswith("humanize: new -> ")
    assert after.keys() - before.keys() == {"humanize"}
    assert {name: after[name] for name in before} == before
    assert "humanize==" in (project / "requirements-serve.lock").read_text("utf-8")


@pytest.mark.parametrize("project", [HEADLINE], indirect=True)
def test_an_old_pin_is_upgraded_only_when_named(project: Path) -> None:
    file = project / "pyproject.toml"
    newer = re.search(r'"tqdm==([^"]+)"', file.read_text("utf-8"))
    assert newer
    file.write_text(file.read_text("utf-8").replace(newer[0], '"tqdm==4.67.0"'))

    assert relock(project).startswith(f"tqdm: {newer[1]} -> 4.67.0\n")
    assert "->" not in relock(project)
    said = relock(project, "--upgrade", "tqdm")

    assert "tqdm: 4.67.0 -> " in said
    assert said.count("->") == 1
    assert '"tqdm==4.67.0"' not in file.read_text("utf-8")


@pytest.mark.parametrize("installer", ["uv", "pip"])
@pytest.mark.parametrize("project", [HEADLINE], indirect=True)
def test_a_wrong_hash_is_refused_at_install(project: Path, installer: str) -> None:
    text = read(project)
    row = re.search(r"(?ms)^msgspec==.*?# for", text)
    assert row
    wrong = re.sub("sha256:.{8}", "sha256:00000000", row[0])
    (project / "requirements.lock").write_text(text.replace(row[0], wrong), encoding="utf-8")
    bin_folder = Path(sys.executable).parent  # where uv is
    path = os.pathsep.join([str(bin_folder), os.environ["PATH"]])

    done = subprocess.run(
        [sys.executable, "run.py", "history"],
        cwd=project,
        env={**os.environ, "RUN_INSTALLER": installer, "PATH": path},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 1
    assert f"with {installer}" in done.stderr
    assert "hash" in done.stderr.lower()
    assert not (project / ".venv/installed.json").exists()
