"""run.py: what it installs, when it builds anew, what it refuses. Nothing here needs a network."""

import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import run
from tools import lock as locking

from .small_project import ROOT, call, has, made, offline, source, wheel

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
VERBS = PROJECT["tool"]["run"]["verbs"]
JOBS = list(PROJECT["dependency-groups"])
LOCK = (ROOT / "requirements.lock").read_text(encoding="utf-8")


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project with one verb, `echo`, that prints its arguments and ends with 7; no packages."""
    return made(tmp_path)


def test_each_job_gets_its_rows_and_no_other() -> None:
    lock = "a==1 \\\n    --hash=sha256:00\n    # for: serve train\n"
    lock += "b==1 \\\n    --hash=sha256:11\n    # for: dev\n"

    assert run.rows(lock, ["train"]) == ["a==1 \\\n    --hash=sha256:00"]
    assert len(run.rows(lock, ["serve", "dev"])) == 2
    assert run.rows(lock, ["monitor"]) == []


def test_every_row_of_the_lock_is_for_some_job() -> None:
    named = re.findall(r"(?m)^    # for: (.+)$", LOCK)
    every = run.rows(LOCK, {job for jobs in named for job in jobs.split()})

    assert len(every) == len(re.findall(r"^[\w.-]+==", LOCK, re.MULTILINE))
    assert all("--hash=sha256:" in row for row in every)


@pytest.mark.parametrize("job", JOBS)
def test_what_pyproject_asks_for_is_locked_for_that_job(job: str) -> None:
    locked = dict(row.split(" ")[0].split("==") for row in run.rows(LOCK, [job]))

    for need in locking.groups(PROJECT)[job]:
        name = locking.normal(re.split(r"[^\w.-]", need)[0])
        pin = re.search(r"==([^\s;]+)", need)
        assert locked[name] == (pin[1] if pin else locked[name])


def test_the_image_gets_the_rows_of_serving() -> None:
    image = (ROOT / "requirements-serve.lock").read_text(encoding="utf-8")

    pins = [line for line in image.splitlines() if "==" in line]
    assert [pin.split(" ")[0] for pin in pins] == [
        row.split(" ")[0] for row in run.rows(LOCK, ["serve"])
    ]


def test_marks_of_a_merge_are_refused_with_the_way_out() -> None:
    with pytest.raises(run.RunError, match=r"run\.py lock"):
        run.rows("<<<<<<< before updating\n" + LOCK, ["serve"])


def test_help_lists_every_verb_in_one_line_and_installs_nothing(project: Path) -> None:
    for name, verb in VERBS.items():
        assert verb["help"].strip() == verb["help"] != "", name
        assert set(verb["jobs"]) <= set(JOBS), name

    said = call(project, "--help")

    assert "echo        say it" in said.stdout
    assert not (project / ".venv").exists()


def test_a_reader_who_has_seen_enough_ends_it_without_a_traceback(project: Path) -> None:
    reading, writing = os.pipe()
    os.close(reading)

    done = subprocess.run(
        [sys.executable, "run.py", "--help"],
        cwd=project,
        stdout=writing,
        stderr=subprocess.PIPE,
        text=True,
    )
    os.close(writing)

    assert (done.returncode, done.stderr) == (141, "")


def test_help_sorts_verbs_by_what_one_wants_to_do(project: Path) -> None:
    with (project / "pyproject.toml").open("a") as file:
        file.write('later = { jobs = [], help = "do", group = "b", example = "later --soon" }\n')
        file.write('[tool.run.groups]\na = "Nothing here"\nb = "Do it"\n')

    said = call(project, "--help").stdout

    name = run.python()
    assert f"Do it, such as: {name} run.py later --soon\n    later       do\n" in said
    assert f"\n\nMore, such as: {name} run.py echo\n    echo        say it\n" in said
    assert "Nothing here" not in said


def test_help_fits_a_terminal() -> None:
    groups = PROJECT["tool"]["run"]["groups"]
    long = {"far": {"help": "say what is far " * 9}}

    lines = [*str(run.__doc__).splitlines(), *run.listing(VERBS, groups), *run.listing(long, {})]

    assert [line for line in lines if len(line) > 79] == []
    assert lines[-1].startswith(" " * 16 + "say")


def test_every_verb_has_a_group_that_is_there_and_each_example_is_a_verb() -> None:
    groups = PROJECT["tool"]["run"]["groups"]

    for name, verb in VERBS.items():
        assert verb["group"] in groups, name
        assert verb.get("example", name).split()[0] == name


@pytest.mark.parametrize(
    ("there", "word"), [(["python3", "python"], "python3"), (["python"], "python"), ([], None)]
)
def test_it_says_the_word_that_starts_python_here(
    there: list[str], word: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("RUN_PYTHON", raising=False)
    monkeypatch.setattr(run.shutil, "which", lambda name: name if name in there else None)
    monkeypatch.setattr(run.os, "name", "posix")

    assert run.python() == (word or Path(sys.executable).name)


def test_progress_says_how_large_the_environment_has_become(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run, "VENV", tmp_path / ".venv")
    weight = run.Weight()
    assert weight.now(0) == weight.now(5) == ""

    (tmp_path / ".venv/lib").mkdir(parents=True)
    (tmp_path / ".venv/lib/large").write_bytes(bytes(3_000_000))

    assert weight.now(6) == ""  # it looked a second ago
    assert weight.now(7) == weight.now() == ", .venv has 3 MB"


def test_a_mistyped_verb_is_answered_with_the_nearest(project: Path) -> None:
    said = call(project, "ecko")

    assert said.returncode == 1
    asked = f"Did you mean: {run.python()} run.py echo"
    assert said.stderr == f"run.py: there is no verb 'ecko'. {asked}\n"


def test_a_verb_gets_its_arguments_and_its_exit_code_is_ours(project: Path) -> None:
    said = call(project, "echo", "a b", "--help")

    assert said.returncode == 7
    assert said.stdout.endswith("'echo', 'a b', '--help']\n")


def test_the_environment_is_built_once_and_again_when_it_must(project: Path) -> None:
    def builds() -> bool:
        return "making .venv" in call(project, "echo").stderr

    assert builds()
    assert not builds()

    (project / "requirements.lock").write_text("# changed\n")
    (project / ".venv/stale.txt").touch()
    assert builds()
    assert not (project / ".venv/stale.txt").exists()

    (project / ".venv/installed.json").unlink()  # what an interrupted installation leaves
    assert builds()


def test_a_moved_folder_gets_a_new_environment(
    project: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    call(project, "echo")

    moved = shutil.move(project, tmp_path_factory.mktemp("elsewhere") / "project")

    assert "making .venv" in call(Path(moved), "echo").stderr


def test_a_package_with_another_hash_is_refused(project: Path) -> None:
    row, env = wheel(project, "lockeddemo"), offline(project)

    (project / "requirements.lock").write_text(row)
    right = call(project, "echo", **env)
    (project / "requirements.lock").write_text(re.sub("sha256:.{8}", "sha256:00000000", row))
    wrong = call(project, "echo", **env)

    assert right.returncode == 7, right.stderr
    assert wrong.returncode == 1
    assert "hash" in wrong.stderr.lower()
    assert not (project / ".venv/installed.json").exists()


MAKER = """
import glob, os, shutil

def build_wheel(folder, *_, **__):
    return os.path.basename(shutil.copy(glob.glob("*.whl")[0], folder))
"""


@pytest.mark.parametrize("installer", ["pip", "uv"])
def test_what_is_published_only_as_source_is_built_by_locked_packages(
    project: Path, installer: str
) -> None:
    """A newer maker is in reach, and would be taken if nobody said so; it is broken."""
    lock = source(project, "made", "maker") + wheel(project, "maker", code=MAKER)
    wheel(project, "maker", "2.0", code="broken")
    (project / "requirements.lock").write_text(lock)
    env = {**offline(project), "RUN_INSTALLER": installer}
    env["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])

    isolated = call(project, "echo", **env)
    with (project / "pyproject.toml").open("a") as file:
        file.write('[tool.uv]\nno-build-isolation-package = ["made"]\n')
    built = call(project, "echo", **env)

    assert isolated.returncode == 1
    assert f"with {installer}" in isolated.stderr
    assert built.returncode == 7, built.stderr
    assert has(project, "made-1.0")


HOOK = """
def before(lock, wanted, attempt):
    assert "# see elsewhere" in lock
    said = attempt([row.replace("==1.0", "==2.0") for row in wanted])
    return wanted if said else []


def after(site_packages):
    return ["more"] if (site_packages / "first.py").exists() else []
"""


@pytest.mark.parametrize("newer", [True, False], ids=["in reach", "out of reach"])
def test_a_hook_may_install_another_way_and_ask_for_further_jobs(
    project: Path, newer: bool
) -> None:
    row = wheel(project, "first", "2.0" if newer else "1.0").replace("==2.0", "==1.0")
    more = wheel(project, "second").replace("for: serve", "for: more")
    (project / "requirements.lock").write_text(f"{row}# see elsewhere\n{more}")
    (project / "hook.py").write_text(HOOK)
    with (project / "pyproject.toml").open("a") as file:
        file.write('[tool.run]\ninstall = "hook.py"\n')

    said = call(project, "echo", **offline(project))

    assert said.returncode == 7, said.stderr
    assert has(project, "first-2.0" if newer else "first-1.0")
    assert has(project, "second-1.0")


def test_a_verb_may_live_in_a_folder_with_its_own_lock(project: Path) -> None:
    """And what it starts, such as `python3 run.py train`, is back in the first environment."""
    (project / "apart").mkdir()
    row = wheel(project / "apart", "lockeddemo").replace("for: serve", "for: train")
    (project / "apart/requirements.lock").write_text(row)
    with (project / "pyproject.toml").open("a") as file:
        file.write(
            'away = { jobs = ["train"], environment = "apart", command = ["apart/go.py"] }\n'
        )
    (project / "apart/go.py").write_text(
        "import lockeddemo, pathlib, subprocess, sys\n"
        "print(pathlib.Path(sys.prefix).parent.name, pathlib.Path('apart').is_dir())\n"
        "sys.exit(subprocess.run([sys.executable, 'run.py', 'echo']).returncode)\n"
    )

    said = call(project, "away", **offline(project / "apart"))

    assert said.stdout.startswith("apart True\n"), said.stderr
    assert said.returncode == 7
    assert not has(project, "lockeddemo-1.0")
    assert any((project / "apart/.venv").glob("[Ll]ib/**/lockeddemo.py"))


def test_another_python_is_asked_for_by_name(project: Path) -> None:
    text = (project / "pyproject.toml").read_text()
    (project / "pyproject.toml").write_text(re.sub(">=.*<", ">=3.98,<", text))

    said = call(project, "echo")

    assert said.returncode == 1
    assert said.stderr.startswith("run.py: this project needs Python 3.98")
    assert "Traceback" not in said.stderr
