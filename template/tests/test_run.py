"""run.py: what it installs, when it builds anew, what it refuses. Nothing here needs a network."""

import base64
import hashlib
import io
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from pathlib import Path

import pytest

import run
from tools import lock as locking

ROOT = Path(run.__file__).parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
VERBS = PROJECT["tool"]["run"]["verbs"]
JOBS = list(PROJECT["dependency-groups"])
LOCK = (ROOT / "requirements.lock").read_text(encoding="utf-8")


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project with one verb, `echo`, that prints its arguments and ends with 7; no packages."""
    shutil.copy(ROOT / "run.py", tmp_path)
    minor = sys.version_info[1]
    (tmp_path / "pyproject.toml").write_text(
        f'[project]\nrequires-python = ">=3.{minor},<3.{minor + 1}"\n'
        '[tool.run.verbs]\necho = { jobs = ["serve"], help = "say it" }\n'
    )
    (tmp_path / "requirements.lock").write_text("# nothing\n")
    (tmp_path / "src/demo").mkdir(parents=True)
    (tmp_path / "src/demo/__init__.py").touch()
    (tmp_path / "src/demo/__main__.py").write_text("import sys\nprint(sys.argv)\nsys.exit(7)\n")
    return tmp_path


def call(project: Path, *arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
    """Run the project's run.py as a user would."""
    command = [sys.executable, "run.py", *arguments]
    return subprocess.run(
        command, cwd=project, capture_output=True, text=True, env={**os.environ, **env}
    )


def wheel(folder: Path, name: str, version: str = "1.0", more: str = "", code: str = "") -> str:
    """Write a package of one module into `folder`; return its lock row for the job `serve`."""
    path = folder / f"{name}-{version}-py3-none-any.whl"
    info = f"{name}-{version}.dist-info"
    files = {
        f"{name}.py": code,
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n{more}",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = ""
    for file, text in files.items():
        digest = base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).decode()
        record += f"{file},sha256={digest.rstrip('=')},{len(text)}\n"
    with zipfile.ZipFile(path, "w") as archive:
        for file, text in {**files, f"{info}/RECORD": record + f"{info}/RECORD,,\n"}.items():
            archive.writestr(file, text)
    return row(path)


def row(path: Path) -> str:
    """The lock row of a package, for the job `serve`."""
    name, version = re.split("-py3|.tar", path.name)[0].split("-")
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    return f"{name}=={version} \\\n    --hash=sha256:{digest}\n    # for: serve\n"


def source(folder: Path, name: str, maker: str) -> str:
    """Write a package that `maker` has to build into `folder`; return its lock row."""
    (folder / "built").mkdir()
    wheel(folder / "built", name)
    [built] = (folder / "built").iterdir()
    about = f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n"
    asked = f'[build-system]\nrequires = ["{maker}"]\nbuild-backend = "{maker}"\n'
    files = {"PKG-INFO": about.encode(), "pyproject.toml": asked.encode()}
    with tarfile.open(folder / f"{name}-1.0.tar.gz", "w:gz") as archive:
        for file, content in {**files, built.name: built.read_bytes()}.items():
            entry = tarfile.TarInfo(f"{name}-1.0/{file}")
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    return row(folder / f"{name}-1.0.tar.gz")


def offline(folder: Path) -> dict[str, str]:
    """What makes pip and uv look for packages in this folder alone."""
    places = {"FIND_LINKS": str(folder), "NO_INDEX": "1"}
    return {f"{tool}_{name}": value for tool in ("PIP", "UV") for name, value in places.items()}


def torch(folder: Path) -> str:
    """Lock rows of a small PyTorch: the one of the index, for CUDA, and the one for the CPU."""
    cuda = wheel(folder, "torch", more="Requires-Dist: nvidia-demo\n")
    card = wheel(folder, "nvidia_demo").replace("for: serve", "for: cuda")
    build = wheel(folder, "torch", "1.0+cpu").replace(" \\\n    --", " --").splitlines()[0]
    return f"{cuda}# cpu: {build}\n{card}"


def has(project: Path, what: str) -> bool:
    """Whether .venv holds this, given as name-version."""
    return any((project / ".venv").glob(f"[Ll]ib/**/site-packages/{what}.dist-info"))


def test_each_job_gets_its_rows_and_no_other() -> None:
    lock = "a==1 \\\n    --hash=sha256:00\n    # for: serve train\n"
    lock += "b==1 \\\n    --hash=sha256:11\n    # for: dev\n"

    assert run.rows(lock, ["train"]) == ["a==1 \\\n    --hash=sha256:00"]
    assert len(run.rows(lock, ["serve", "dev"])) == 2
    assert run.rows(lock, ["monitor"]) == []


def test_every_row_of_the_lock_is_for_some_job() -> None:
    every = run.rows(LOCK, [*JOBS, "cuda"])

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
    with pytest.raises(run.RunError, match=r"python run\.py lock"):
        run.rows("<<<<<<< before updating\n" + LOCK, ["serve"])


def test_help_lists_every_verb_in_one_line_and_installs_nothing(project: Path) -> None:
    for name, verb in VERBS.items():
        assert verb["help"].strip() == verb["help"] != "", name
        assert set(verb["jobs"]) <= set(JOBS), name

    said = call(project, "--help")

    assert "echo        say it" in said.stdout
    assert not (project / ".venv").exists()


def test_a_mistyped_verb_is_answered_with_the_nearest(project: Path) -> None:
    said = call(project, "ecko")

    assert said.returncode == 1
    assert said.stderr == "run.py: there is no verb 'ecko'. Did you mean: python run.py echo\n"


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


def test_pytorch_for_the_cpu_is_taken_where_it_is_found(project: Path) -> None:
    (project / "requirements.lock").write_text(torch(project))

    said = call(project, "echo", **offline(project))

    assert said.returncode == 7, said.stderr
    assert has(project, "torch-1.0+cpu")
    assert not has(project, "torch-1.0")
    assert not has(project, "nvidia_demo-1.0")


@pytest.mark.skipif(sys.platform != "linux", reason="the index has CUDA for Linux alone")
def test_without_it_pytorch_for_cuda_comes_with_what_it_needs(project: Path) -> None:
    (project / "requirements.lock").write_text(torch(project))
    (project / "torch-1.0+cpu-py3-none-any.whl").unlink()

    said = call(project, "echo", **offline(project))

    assert said.returncode == 7, said.stderr
    assert has(project, "torch-1.0")
    assert has(project, "nvidia_demo-1.0")


def test_an_unknown_build_for_the_cpu_is_refused_with_the_way_out(project: Path) -> None:
    lock = torch(project)
    (project / "requirements.lock").write_text(
        re.sub("(cpu --hash=sha256:).{8}", r"\g<1>00000000", lock)
    )

    said = call(project, "echo", **offline(project))

    assert said.returncode == 1
    assert "python run.py lock --wheel FILE" in said.stderr
    assert not has(project, "torch-1.0")


def test_a_verb_may_live_in_a_folder_with_its_own_lock(project: Path) -> None:
    """And what it starts, such as `python run.py train`, is back in the first environment."""
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


def test_a_second_package_that_can_be_run_is_refused_by_name(project: Path) -> None:
    (project / "src/other").mkdir()
    (project / "src/other/__init__.py").touch()

    assert call(project, "echo").returncode == 7
    (project / "src/other/__main__.py").touch()
    said = call(project, "echo")

    assert "src/ must hold one package that can be run; it holds: " in said.stderr
    assert "demo" in said.stderr
    assert "other" in said.stderr
