"""Level 2: rendered repositories install from their locks, come up, and pass their own tests."""

from __future__ import annotations

import json
import os
import random
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import time
import tomllib
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path
from typing import NamedTuple

import pytest
from packaging.markers import Marker
from packaging.requirements import Requirement

from extensions.locks import universe
from template import run as run_py
from template.tools import lock
from template.tools.groups import groups

from .conftest import Render, git
from .conversation import SEAMS, Answers, alone

MINOR = "{}.{}".format(*sys.version_info)
PLAIN = {
    "mode": "real_time",
    "serving": "http",
    "artifact_store": "local",
    "ci": "github",
}
TABULAR = PLAIN | {"data_source": "files", "feature_store": "none", "monitoring": "builtin"}
HEADLINES: dict[str, Answers] = {
    "classification-linear-files": TABULAR
    | {"problem": "classification", "model": "linear", "tracking": "files"},
    "regression-boosting-mlflow": TABULAR
    | {"problem": "regression", "model": "boosting", "tracking": "mlflow"},
    "classification-boosting-mlflow": TABULAR
    | {"problem": "classification", "model": "boosting", "tracking": "mlflow"},
    "regression-boosting-files": TABULAR
    | {"problem": "regression", "model": "boosting", "tracking": "files"},
    "documents": PLAIN
    | {
        "problem": "rag",
        "language_model": "none",
        "vector_store": "embedded",
        "rerank": "none",
        "orchestration": "plain",
        "tracing": "none",
    },
    "batch": {"problem": "classification", "mode": "batch", "serving": "prefect"},
    "edge": {"problem": "classification", "mode": "edge", "serving": "browser"},
}
SHOWN = {f"{seam}={option}" for answers in HEADLINES.values() for seam, option in answers.items()}
SHOWN |= {f"kind={kind}" for kind in SEAMS["kind"]}  # it follows from the problem
BY = ("uv", "pip")
EVERY_RUN = {  # the smaller one by pip, which takes a minute longer than uv
    "classification-linear-files": "pip",
    "regression-boosting-mlflow": "uv",
}
COMMAND = re.compile(r"python3 run\.py ([^`#\n|&]+)")
ELSEWHERE = {  # what a README names and other tests run
    "up",
    "test",
    "serve",
    "schedule",
    "outcomes FILE",
    "template update",
}
WAITING = {"vectors list": "vector_url in settings.toml is empty"}  # for what only an owner has
SERVERS = {"triton serve", "mlserver"}  # of other platforms; `serve` is up while others run
DEPLOYING = re.compile("deploy(?! --check)")  # Docker, a cluster or an account is needed
LONG = 1500  # seconds; a verb that takes longer hangs
Run = Callable[..., subprocess.CompletedProcess[str]]
INVENTORY = """
import importlib, importlib.metadata as metadata, json, re, sys

def normal(name):
    return re.sub("[-_.]+", "-", name).lower()

installed = {
    normal(each.name): (each.version.partition("+")[0], each.read_text("INSTALLER").strip())
    for each in metadata.distributions()
}
owned = {}
for module, owners in sorted(metadata.packages_distributions().items()):
    for name in {*map(normal, owners)} & {*sys.argv[1:]}:
        if module.isidentifier() and not module.startswith("_"):
            owned.setdefault(name, []).append(module)
imported = {}  # a package may bring a module for another one, which need not be there
for name, modules in owned.items():
    chosen = [module for module in modules if normal(module) == name] or modules
    imported[name] = [importlib.import_module(module).__name__ for module in chosen]
print(json.dumps([installed, imported, [*metadata.packages_distributions()]]))
"""


class Case(NamedTuple):
    """What is rendered, and what installs it."""

    answers: Answers
    installer: str

    @property
    def kind(self) -> str:
        """What the project learns from: a table, or documents."""
        problem = self.answers.get("problem", "classification")
        return str(SEAMS["problem"][problem]["kind"])


def cases() -> Iterator[object]:
    """Two headlines, by uv and by pip; with --full all by both, and every option of no headline."""
    found = [(name, Case(answers, how)) for name, answers in HEADLINES.items() for how in BY]
    found += [
        (name, Case(answers, "uv"))
        for name, answers in alone().items()
        if name not in {"defaults", *SHOWN}
    ]
    for name, case in found:
        id_ = f"{name}-{case.installer}"
        always = EVERY_RUN.get(name) == case.installer
        marks = [pytest.mark.xdist_group(id_), *([] if always else [pytest.mark.full])]
        yield pytest.param(case, id=id_, marks=marks)


@pytest.fixture(scope="module", params=cases())
def case(request: pytest.FixtureRequest) -> Case:
    """Each case in turn."""
    found: Case = request.param
    return found


@pytest.fixture(scope="module")
def project(case: Case, render: Render, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A fresh repository, as a user has it right after the copy."""
    place = tmp_path_factory.mktemp("project") / "demo"
    answers = {"python_minor": MINOR, "engine_tests": True, **case.answers}
    shutil.copytree(render(**answers), place)
    git(place, "init", "--quiet")
    git(place, "add", "--all")
    git(place, "commit", "--quiet", "--message", "start")
    yield place
    shutil.rmtree(place, ignore_errors=True)  # an environment is large


@pytest.fixture(scope="module")
def environment(project: Path, case: Case, pytestconfig: pytest.Config) -> dict[str, str]:
    """The variables of a user's shell, with a port that is free."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    ours = ("APP_", "COPIER_", "PYTEST_", "GIT_", "CALLED_FROM", "VIRTUAL_ENV", "PYTHONPATH")
    environment = {k: v for k, v in os.environ.items() if not k.startswith(ours)}
    if "PIP_FIND_LINKS" in environment:  # uv does not read it, and would miss PyTorch for the CPU
        environment.setdefault("UV_FIND_LINKS", environment["PIP_FIND_LINKS"].replace(" ", ","))
    path = os.pathsep.join([str(Path(sys.executable).parent), environment["PATH"]])  # uv is there
    if pytestconfig.getoption("--full"):
        environment["TEST_FULL"] = "1"
    if re.search(r"(?m)^port = ", (project / "settings.toml").read_text("utf-8")):  # batches: none
        environment["APP_PORT"] = str(port)
    environment |= {"RUN_INSTALLER": case.installer, "PATH": path}
    environment["GIT_CONFIG_GLOBAL"] = os.environ["GIT_CONFIG_GLOBAL"]
    return environment


@pytest.fixture(scope="module")
def run(project: Path, environment: dict[str, str]) -> Run:
    """run("train") -> `python3 run.py train` in the project; a failure shows what was printed."""

    def verb(*words: str) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            [sys.executable, "run.py", *words],
            cwd=project,
            env=environment,
            capture_output=True,
            text=True,
            timeout=LONG,
            check=False,
        )
        assert done.returncode == 0, (done.stdout + done.stderr)[-6000:]
        return done

    return verb


def test_up_trains_and_serves(run: Run, project: Path, case: Case) -> None:
    done = run("up", "--once")

    assert {"tabular": "predict", "documents": "/v1/ask"}[case.kind] in done.stdout
    assert (project / "MODEL_CARD.md").is_file()


def test_a_second_up_retrains_nothing(run: Run, project: Path) -> None:
    run("up", "--once")
    before = sorted(path.name for path in (project / "store/runs").iterdir())
    began = time.monotonic()

    run("up", "--once")

    assert sorted(path.name for path in (project / "store/runs").iterdir()) == before
    assert time.monotonic() - began < 60


def test_its_own_tests_pass(
    run: Run, case: Case, record_property: Callable[[str, object], None]
) -> None:
    run("test")

    for seam, option in case.answers.items():
        if seam in SEAMS:
            record_property("installed", f"{seam}={option}")
    record_property("installed", f"kind={case.kind}")


def test_what_is_installed_is_the_lock_and_can_be_imported(
    run: Run, project: Path, case: Case
) -> None:
    run("pre-commit", "--version")  # this verb has every job,
    if (project / "notebooks").is_dir():
        run("notebook", "--clear")  # and this one the one that is left
    text = (project / "requirements.lock").read_text("utf-8")
    locked = {
        row.name: row.version
        for row in lock.rows("\n".join(run_py.rows(text, universe.JOBS)))
        if not row.marker or Marker(row.marker).evaluate()
    }
    pyproject = tomllib.loads((project / "pyproject.toml").read_text("utf-8"))
    needs = [Requirement(need) for job in groups(pyproject).values() for need in job]
    direct = {lock.normal(n.name) for n in needs if not n.marker or n.marker.evaluate()}
    python = project / run_py.PYTHON.relative_to(run_py.HOME)

    checked = subprocess.run([python, "-m", "pip", "check"], capture_output=True, text=True)
    look = [str(python), "-c", INVENTORY, *sorted(direct)]
    looked = subprocess.run(look, cwd=project.parent, capture_output=True, text=True)

    assert checked.returncode == 0, checked.stdout
    assert looked.returncode == 0, looked.stderr
    installed, imported, modules = json.loads(looked.stdout.splitlines()[-1])
    assert {name: version for name, (version, _) in installed.items()} == locked
    assert {installer for _, installer in installed.values()} == {case.installer}
    assert direct - imported.keys() <= {"pandas-stubs", "types-jsonschema", "types-pyyaml"}
    assert len(direct) > 20
    assert not {"app", "engine"} & {*modules}  # these are the repository's own


def test_the_notebook_runs_from_its_first_cell_to_its_last(
    run: Run, project: Path, case: Case
) -> None:
    if case.kind == "documents":
        assert not (project / "notebooks").exists()
        assert "notebook" not in run("--help").stdout
        pytest.skip("documents are looked at by `corpus report`; there is no notebook")
    notebook = project / "notebooks/explore.ipynb"
    before = notebook.read_text("utf-8")
    run("up", "--once")  # a champion to explain

    done = run("notebook", "--run")

    cells = [cell for cell in json.loads(before)["cells"] if cell["cell_type"] == "code"]
    assert f"{len(cells)} code cells ran" in done.stdout
    assert notebook.read_text("utf-8") == before
    assert not any(cell["outputs"] for cell in cells)


def test_it_is_clean(run: Run) -> None:
    run("check")


def test_the_hooks_find_nothing_on_a_fresh_render(run: Run, project: Path) -> None:
    git(project, "add", "--all")

    run("pre-commit", "run", "--all-files")


def test_running_leaves_nothing_behind_that_git_would_take(run: Run, project: Path) -> None:
    run("up", "--once")

    untracked = git(project, "ls-files", "--others", "--exclude-standard").splitlines()

    assert set(untracked) <= {"MODEL_CARD.md"}


def test_the_journey_of_the_readme_with_data_of_ones_own(
    run: Run, project: Path, case: Case
) -> None:
    """Last of all: from here on the project is no longer that of the sample."""
    {"tabular": _with_a_table, "documents": _with_documents}[case.kind](run, project)


def _with_a_table(run: Run, project: Path) -> None:
    chance = random.Random(1)
    rows = ["Größe (cm);group;known since;left?"]
    for number in range(600):
        size, group = chance.uniform(100, 200), chance.choice("ABC")
        left = "yes" if size + 30 * (group == "A") + chance.gauss(0, 15) > 160 else "no"
        rows.append(f"{size:.1f};{group};2026-01-{number % 28 + 1:02};{left}")
    (project / "my.csv").write_text("\n".join(rows), encoding="utf-8-sig")

    run("contract", "draft", "my.csv", "--target", "left?")
    run("contract", "check")
    run("data", "report")
    done = run("up", "--once")

    assert "Größe (cm)" in done.stdout
    run("evaluate")


def _with_documents(run: Run, project: Path) -> None:
    """A folder takes the sample's place; at first unmeasured, then by questions about it."""
    folder, lines = project / "mine", []
    (folder / "más").mkdir(parents=True)
    for number, (animal, food) in enumerate(FED.items()):
        name = f"más/{animal}.md" if number % 2 else f"{animal}.txt"
        fact = f"The {animal} of the zoo is fed {food} at {number + 7} o'clock."
        (folder / name).write_text(f"{animal}\n\n{fact}\n", encoding="utf-8")
        question = f"When is the {animal} fed {food}?"
        asked: dict[str, object] = {
            "id": f"q{number}",
            "split": "test" if number % 2 else "dev",
            "answerable": True,
        }
        asked |= {"question": question, "documents": [name], "spans": [f"{number + 7} o'clock"]}
        lines.append(json.dumps(asked))
    absent: dict[str, object] = {
        "id": "absent",
        "split": "test",
        "answerable": False,
        "slice": "absent",
    }
    lines.append(json.dumps(absent | {"question": "Who founded the parking garage of Oslo?"}))
    (folder / "broken.pdf").write_bytes(b"%PDF-1.7 and no more")

    added = run("corpus", "add", str(folder), "--replace")
    assert f"added    {len(FED)}\n" in added.stdout
    assert "not read: broken.pdf" in added.stderr
    run("corpus", "report")
    run("up", "--once")
    (project / "evaluation/questions.jsonl").write_text("\n".join(lines), encoding="utf-8")
    assert "/v1/ask" in run("up", "--once").stdout
    measured = run("evaluate").stdout
    assert re.search(r"(?m)^hit@5 +1 ", measured), measured
    answer = run("ask", "When is the otter fed trout?").stdout
    assert "at 7 o'clock" in answer
    assert "otter.txt" in answer


FED = {
    **{"otter": "trout", "heron": "frogs", "lynx": "rabbits", "tapir": "melons"},
    **{"ibex": "lichen", "badger": "beetles", "panda": "bamboo", "seal": "herring"},
}


def test_every_other_command_of_the_readme_runs(
    run: Run, project: Path, environment: dict[str, str]
) -> None:
    """With the data of the journey; whatever serves is up meanwhile, as a reader has it."""
    page = (project / "README.md").read_text("utf-8")
    commands = list(dict.fromkeys(map(str.strip, COMMAND.findall(page))))
    commands = [each for each in commands if not DEPLOYING.match(each)]
    assert {"promote", "rollback", "reproduce RUN"} <= {*commands} - ELSEWHERE
    newest = max(path.name for path in (project / "store/runs").iterdir())
    said = {"RUN": newest, "FILE": "my.csv", "FOLDER": "mine", "...": "When is the lynx fed?"}
    with serving(project, environment) if "serve" in commands else nullcontext():
        for command in commands:
            if command in WAITING:
                with pytest.raises(AssertionError, match=WAITING[command]):
                    run(*shlex.split(command))
            elif command not in ELSEWHERE | SERVERS and not command.startswith("contract draft "):
                run(*(said.get(word, word) for word in shlex.split(command)))
    for command in sorted(SERVERS & {*commands}):
        with serving(project, environment, command):
            pass


@contextmanager
def serving(project: Path, environment: dict[str, str], command: str = "serve") -> Iterator[None]:
    """A command that serves answers at its port until the end of the block."""
    call = [sys.executable, "run.py", *command.split()]
    process = subprocess.Popen(call, cwd=project, env=environment, start_new_session=True)
    until = time.monotonic() + LONG
    try:
        while True:
            assert process.poll() is None
            assert time.monotonic() < until
            address = ("127.0.0.1", environment["APP_PORT"])
            with suppress(OSError), socket.create_connection(address):
                break
            time.sleep(0.2)
        yield
    finally:  # a test that fails leaves no server behind
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)
        assert process.wait(timeout=60) == 0
