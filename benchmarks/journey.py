"""How long a user waits: copy, first served prediction, second start; and what lands on the disk.

    python3 run.py benchmark journey

Every figure stands beside its alternative, measured in the same run in turns.
"""

import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from .report import publish

ROOT = Path(__file__).resolve().parent.parent
ROUNDS = 3
EMPTY = """_subdirectory: template
project_name: {type: str, default: demo}
"""


def main() -> int:
    """Measure the journey and print it as a table."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        ours, empty = snapshot(folder), empty_template(folder / "empty")
        copy(ours, folder / "static/template")
        templates = {"ours": ours, "empty": empty, "static": empty_template(folder / "static")}
        copies: dict[str, list[float]] = {name: [] for name in templates}
        for round_ in range(ROUNDS):
            for name, template in templates.items():
                copies[name].append(copy(template, folder / f"{name}-{round_}"))
        rows = [
            compared("`copier copy`", copies["ours"], "an empty template", copies["empty"]),
            compared("`copier copy`", copies["ours"], "the same files", copies["static"]),
        ]
        for installer in ("uv", "pip"):
            if installer == "uv" and not shutil.which("uv"):
                continue
            rows += journey(ours, folder / installer, installer)
        rows += sizes(folder / "pip")
    publish("journey", "\n".join([HEADER, *rows]), "python3 run.py benchmark journey")
    return 0


HEADER = "| what | measured | beside it | ratio |\n| --- | ---: | ---: | ---: |"


def snapshot(folder: Path) -> Path:
    """A clone of the working tree, committed and tagged, as a user would copy from."""
    clone = folder / "template"
    shutil.copytree(ROOT, clone, ignore=shutil.ignore_patterns(".venv*", ".git", "*cache*"))
    git(clone, "init", "-q")
    git(clone, "add", "-A", "-f")
    git(clone, "commit", "-qm", "snapshot")
    return clone


def empty_template(template: Path) -> Path:
    """The least template that can be updated later, around the files that are there already."""
    (template / "template").mkdir(parents=True, exist_ok=True)
    (template / "template/.copier-answers.yml").unlink(missing_ok=True)
    (template / "copier.yml").write_text(EMPTY)
    (template / "template/{{ _copier_conf.answers_file }}.jinja").write_text(
        "{{ _copier_answers | to_nice_yaml }}"
    )
    git(template, "init", "-q")
    git(template, "add", "-A", "-f")
    git(template, "commit", "-qm", "empty")
    return template


def copy(template: Path, to: Path) -> float:
    """Seconds for one `copier copy` as a command."""
    copier = Path(sys.executable).with_name("copier")
    return timed(
        [str(copier), "copy", "-q", "--defaults", "--vcs-ref", "HEAD", str(template), str(to)]
    )


def journey(template: Path, to: Path, installer: str) -> list[str]:
    """Copy to first prediction with warm package caches, then a second start."""
    minor = f"python_minor={sys.version_info[0]}.{sys.version_info[1]}"
    new = [
        sys.executable,
        str(template / "run.py"),
        "new",
        str(to),
        "--defaults",
        "-q",
        "-d",
        minor,
    ]
    up = [sys.executable, "run.py", "up", "--once"]
    subprocess.run(new, check=True, capture_output=True)
    environment = {**os.environ, "RUN_INSTALLER": installer}
    run(up, to, environment)  # fills the package caches
    shutil.rmtree(to)
    first = timed(new) + timed(up, to, environment)
    second = timed(up, to, environment)
    return [
        f"| copy to first served prediction, {installer}, warm caches | {first:.1f} s | | |",
        f"| second `up` to a served prediction | {second:.1f} s | first {first:.1f} s "
        f"| {second / first:.2f} |",
    ]


def sizes(project: Path) -> list[str]:
    """Installed megabytes: only what serves, and everything `up` needs."""
    serving = project.parent / "serving-env"
    base: str = getattr(sys, "_base_executable", sys.executable)  # the one that has pip
    subprocess.run([base, "-m", "venv", "--without-pip", str(serving)], check=True)
    pip = [base, "-m", "pip", "--python", str(serving / "bin/python")]
    lock = str(project / "requirements-serve.lock")
    run([*pip, "install", "--no-compile", "--require-hashes", "--no-deps", "-r", lock])
    small, whole = megabytes(serving), megabytes(project / ".venv")
    return [
        f"| serving environment | {small:.0f} MB | environment of `up` {whole:.0f} MB "
        f"| {small / whole:.2f} |"
    ]


def compared(what: str, ours: list[float], other_name: str, other: list[float]) -> str:
    mine, theirs = statistics.median(ours), statistics.median(other)
    return f"| {what} | {mine:.2f} s | {other_name} {theirs:.2f} s | {mine / theirs:.2f} |"


def timed(command: list[str], cwd: Path | None = None, env: dict[str, str] | None = None) -> float:
    start = time.perf_counter()
    run(command, cwd, env)
    return time.perf_counter() - start


def run(command: list[str], cwd: Path | None = None, env: dict[str, str] | None = None) -> None:
    """Run a command; what it says is shown only when it fails."""
    done = subprocess.run(command, cwd=cwd, env=env, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"{' '.join(command)} failed:\n{done.stdout[-2000:]}{done.stderr[-2000:]}")


def git(folder: Path, *args: str) -> None:
    identity = ["-c", "user.name=benchmark", "-c", "user.email=benchmark@localhost"]
    subprocess.run(["git", "-C", str(folder), *identity, *args], check=True, capture_output=True)


def megabytes(folder: Path) -> float:
    """The size of its files, without what Python compiled of them since."""
    files = (f for f in folder.rglob("*") if f.is_file() and not f.is_symlink())
    return sum(f.stat().st_size for f in files if f.parent.name != "__pycache__") / 1e6


if __name__ == "__main__":
    sys.exit(main())
