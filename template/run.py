#!/usr/bin/env python3
"""Run anything in this project: python3 run.py VERB [ARGUMENT ...]

The first run makes .venv out of requirements.lock, with only what the verb
needs; later runs start at once. Python is all it takes: uv installs where
there is one, pip otherwise.
"""

from __future__ import annotations

import contextlib
import difflib
import hashlib
import json
import os
import re
import runpy
import shutil
import subprocess
import sys
import tempfile
import textwrap
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import IO, Any, NoReturn

ROOT = Path(__file__).resolve().parent
HOME = ROOT / os.environ.pop("RUN_ENVIRONMENT", "")  # a verb may live in a folder of its own
LOCK = HOME / "requirements.lock"
VENV = HOME / ".venv"
PYTHON = VENV / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
STAMP = VENV / "installed.json"  # written last: without it .venv is not complete
NOT_REACHED = (  # in the words of pip, and of uv
    r"\(from versions: |Failed to (fetch|download)|not found in the (cache|package registry)"
)
BASE: str = getattr(sys, "_base_executable", sys.executable)  # outside any virtual environment


class RunError(Exception):
    """Something the user can put right; shown without a traceback."""


def main(argv: list[str]) -> int:
    """Install what the verb needs and hand over to it."""
    os.chdir(ROOT)
    project = Path("pyproject.toml").read_text(encoding="utf-8")
    wanted = re.search(r'^requires-python = ">=3\.(\d+),<3\.(\d+)"', project, re.MULTILINE)
    if wanted and not int(wanted[1]) <= sys.version_info[1] < int(wanted[2]):
        hand_over([find_python("3." + wanted[1]), __file__, *argv])
    import tomllib  # only now: an older Python has none

    verbs = tomllib.loads(project)["tool"]["run"]["verbs"]
    if not argv or argv[0] in ("-h", "--help", "help"):
        print(str(__doc__).replace("python3 run.py", f"{python()} run.py"))
        print("\n".join(listing(verbs, tool("run").get("groups", {}))))
        return 0
    name, *arguments = argv
    if name not in verbs:
        near = difflib.get_close_matches(name, verbs, 1) or ["--help"]
        raise RunError(f"there is no verb {name!r}. Did you mean: {python()} run.py {near[0]}")
    folder = verbs[name].get("environment", "")
    if ROOT / folder != HOME:
        os.environ["RUN_ENVIRONMENT"] = folder
        hand_over([sys.executable, __file__, *argv])
    install(verbs[name]["jobs"])
    starts = PYTHON if verbs[name]["jobs"] else Path(sys.executable)  # .venv may not be there yet
    return run(verbs[name].get("command") or [f"engine {name}"], arguments, starts)


def listing(verbs: dict[str, Any], groups: dict[str, str]) -> list[str]:
    """The verbs by what one wants to do, each group with an example; the others come last."""
    lines = []
    for group, title in [*groups.items(), ("", "More")]:
        mine = {n: v for n, v in verbs.items() if v.get("group", "") == group}
        if not mine:
            continue
        example = next((v["example"] for v in mine.values() if "example" in v), next(iter(mine)))
        lines += ["", f"{title}, such as: {python()} run.py {example}"] if groups else []
        for verb, it in mine.items():
            start, further = f"    {verb:<11} ", " " * 16
            lines += textwrap.wrap(start + it["help"], 79, subsequent_indent=further)
    return lines[1:] if groups else lines


def python() -> str:
    """The word that starts Python on this machine; what verbs print says it too."""
    known = ("py", "python") if os.name == "nt" else ("python3", "python")
    found = next((name for name in known if shutil.which(name)), Path(sys.executable).name)
    return os.environ.get("RUN_PYTHON", found)


def find_python(minor: str) -> str:
    """An interpreter of this minor version, wherever this system keeps it."""
    tries = [[str(PYTHON)], ["python" + minor], ["py", "-" + minor]]
    if uv := shutil.which("uv"):
        found = subprocess.run([uv, "python", "find", minor], capture_output=True, text=True)
        tries.append([found.stdout.strip() or uv])
    ask = "import sys; print('%d.%d' % sys.version_info[:2], sys.executable)"
    for command in tries:
        with contextlib.suppress(OSError):
            answer = subprocess.run([*command, "-c", ask], capture_output=True, text=True).stdout
            version, _, path = answer.strip().partition(" ")
            if version == minor:
                return path
    raise RunError(
        f"this project needs Python {minor}, and none was found; this is {sys.version.split()[0]}."
        f" Install {minor} (`uv python install {minor}`, or a package of your system)."
    )


def install(jobs: Iterable[str]) -> None:
    """Bring .venv in line with requirements.lock: the rows of these jobs and of earlier ones.

    A changed lock, a moved folder or an interrupted installation starts from an empty .venv.
    """
    lock = LOCK.read_text(encoding="utf-8")
    source = {"lock": hashlib.sha256(lock.encode()).hexdigest(), "folder": str(ROOT)}
    if set(jobs) <= installed(source):
        return
    with only_one():
        if set(jobs) <= (have := installed(source)):
            return
        every = sorted({*jobs, *have})
        wanted = rows(lock, every)
        STAMP.unlink(missing_ok=True)
        if not have:
            shutil.rmtree(VENV, ignore_errors=True)
            step([BASE, "-m", "venv", "--without-pip", VENV], "making .venv")
            src = str(ROOT / "src")
            (site_packages() / "project.pth").write_text(src + "\n", encoding="utf-8")
        if before := hook("before"):
            wanted = before(lock, wanted, attempt)
        late = [row for row in wanted if row.partition("==")[0] in sources()]
        if wanted := [row for row in wanted if row not in late]:
            fetch(wanted, ", ".join(every))
        if late:  # they are built by what is there now
            fetch(late, ", ".join(every), "--no-build-isolation")
        after = hook("after")
        for job in after(site_packages()) if after else []:
            fetch(rows(lock, [job]), job)
        STAMP.write_text(json.dumps({**source, "jobs": every}), encoding="utf-8")


def hook(name: str) -> Callable[..., Any] | None:
    """A function of the file that `[tool.run] install` names, where a package needs more than rows.

    before(lock, wanted, attempt)   the rows left to install; `attempt` is the function below
    after(folder)                   further jobs of the lock, for what stands in site-packages now
    """
    file = tool("run").get("install")
    return runpy.run_path(str(ROOT / file)).get(name) if file else None


def attempt(wanted: list[str]) -> str:
    """Try to install these rows; what the installer said if it could not, and nothing if it did."""
    name, installer = find_installer(wanted)
    print(f"looking for {wanted[0].split(' ')[0]} with {name} ...", file=sys.stderr, flush=True)
    tried = subprocess.run(installer, capture_output=True, text=True, env=environment())
    return tried.stdout + tried.stderr or "it failed" if tried.returncode else ""


def sources() -> list[str]:
    """Packages published only as source; the installers would build them with what is newest."""
    return list(tool("uv").get("no-build-isolation-package", []))


def tool(name: str) -> dict[str, Any]:
    """What pyproject.toml tells a tool."""
    import tomllib

    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    return dict(project.get("tool", {}).get(name, {}))


def site_packages() -> Path:
    """The folder of .venv that packages are installed into."""
    return next(VENV.glob("[Ll]ib/**/site-packages"))


def fetch(wanted: list[str], what_for: str, *options: str) -> None:
    """Install these rows, and nothing but files with these hashes."""
    name, installer = find_installer(wanted)
    installer += options
    what = f"installing {len(wanted)} packages for {what_for} with {name}"
    step(installer, what)


def installed(source: dict[str, str]) -> set[str]:
    """The jobs whose packages are in .venv; none if it came from something else than `source`."""
    try:
        stamp = json.loads(STAMP.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return set()
    jobs = set(stamp.pop("jobs", ()))
    return jobs if stamp == source and PYTHON.exists() else set()


def rows(lock: str, jobs: Iterable[str]) -> list[str]:
    """The rows of a lock that these jobs need; a comment after each row names its jobs."""
    wanted: list[str] = []
    row: list[str] = []
    for line in lock.splitlines():
        if line.startswith(("<<<<<<<", ">>>>>>>")):
            raise RunError(
                "requirements.lock holds marks of a merge. Take one side whole"
                f" (git checkout --theirs requirements.lock), then: {python()} run.py lock"
            )
        if line.startswith("    # for:"):
            wanted += ["\n".join(row)] if {*line.split()[2:]} & {*jobs} else []
            row = []
        elif line and not line.startswith("#"):
            row.append(line)
    if row:
        raise RunError(f"requirements.lock does not say which job this is for: {row[0]}")
    return wanted


def find_installer(wanted: list[str]) -> tuple[str, list[str | Path]]:
    """uv or pip, and the call that installs these rows. RUN_INSTALLER=pip takes pip even so."""
    file = VENV / "wanted.txt"
    file.write_text("\n".join(wanted), encoding="utf-8")
    exactly: list[str | Path] = ["--require-hashes", "--no-deps", "-r", file]
    uv = shutil.which("uv")
    if uv and os.environ.get("RUN_INSTALLER") != "pip":
        return "uv", [uv, "pip", "install", "--python", PYTHON, *exactly]
    pip: list[str | Path] = [BASE, "-m", "pip", "--python", PYTHON]
    if subprocess.run([BASE, "-c", "import pip"], capture_output=True).returncode:
        pip = [PYTHON, "-m", "pip"]
        step([PYTHON, "-m", "ensurepip"], "adding pip, which this Python lacks")
    quiet = ["--no-compile", "--no-input", "--progress-bar", "off"]
    return "pip", [*pip, "install", *quiet, *exactly]


def step(command: list[str | Path], what: str) -> None:
    """Do one step of the installation; what the tool says is shown only if it fails."""
    began, show, weight = time.monotonic(), sys.stderr.isatty(), Weight()
    print(what, end="" if show else " ...\n", file=sys.stderr, flush=True)
    with tempfile.TemporaryFile() as log:
        # close_fds: a tool that outlives run.py keeps the lock of only_one()
        tool = subprocess.Popen(command, stdout=log, stderr=log, env=environment(), close_fds=False)
        try:
            while tool.poll() is None:
                time.sleep(0.05)
                if show:
                    passed = time.monotonic() - began
                    said = f"\r{what}: {passed:.0f} s{weight.now(passed)}"
                    print(said, end="", file=sys.stderr, flush=True)
        finally:
            tool.kill()
        if show:
            print(f"\r{what}: {time.monotonic() - began:.0f} s{weight.now()}", file=sys.stderr)
        log.seek(0)
        said = log.read().decode(errors="replace").strip()
    if tool.returncode:
        print(said, file=sys.stderr)
        raise RunError(f"{what} failed; see above{way_out(command, said)}")


def way_out(command: list[str | Path], said: str) -> str:
    """What to try next; without a network, installers speak of a package that is not there."""
    hint = ""
    if re.search(NOT_REACHED, said):
        hint += f". No package index was reached that has it; what to try: {python()} run.py doctor"
    if Path(str(command[0])).stem == "uv":
        hint += ". If only pip is set up for your package index, set RUN_INSTALLER=pip"
    return hint


class Weight:
    """How large .venv has become; looking takes a moment, so it looks every two seconds."""

    def __init__(self) -> None:
        self._looked, self._said = 0.0, ""

    def now(self, passed: float = float("inf")) -> str:
        """The size as the end of a line, once it is worth a word."""
        if passed - self._looked >= 2:
            self._looked = passed
            found = (Path(here, name) for here, _, names in os.walk(VENV) for name in names)
            with contextlib.suppress(OSError):  # files come and go meanwhile
                megabytes = sum(path.lstat().st_size for path in found) / 1e6
                self._said = f", .venv has {megabytes:.0f} MB" if megabytes >= 1 else ""
        return self._said


@contextlib.contextmanager
def only_one() -> Iterator[None]:
    """Let one run.py at a time change .venv; the others wait."""
    with (HOME / ".venv.lock").open("a") as file:
        os.set_inheritable(file.fileno(), True)
        waiting = False
        while is_taken(file):
            if not waiting:
                print("another run.py is installing; waiting for it", file=sys.stderr)
            waiting = True
            time.sleep(0.2)
        yield


def is_taken(file: IO[str]) -> bool:
    """Try to lock the file for this process; the system lets go when the process ends."""
    try:
        if sys.platform == "win32":
            import msvcrt

            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return True
    return False


def environment() -> dict[str, str]:
    """What every tool and verb sees: .venv first, UTF-8, nothing installed outside .venv."""
    path = os.pathsep.join([str(PYTHON.parent), os.environ.get("PATH", "")])
    own = {"PATH": path, "VIRTUAL_ENV": str(VENV), "PYTHONUTF8": "1", "PIP_USER": "0"}
    own["RUN_PYTHON"] = python()  # .venv, which comes first from now on, has every name
    return {**os.environ, **own}


def run(commands: list[str], arguments: list[str], python: Path = PYTHON) -> int:
    """Run the commands of a verb; all of them, so that one failure does not hide the next."""
    words = [command.split() for command in commands]
    calls = [[str(python), *([] if w[0].endswith(".py") else ["-m"]), *w] for w in words]
    if len(calls) == 1:
        hand_over([*calls[0], *arguments])
    if arguments:
        raise RunError(f"this verb takes no arguments: {' '.join(arguments)}")
    codes = [subprocess.run(call, env=environment()).returncode for call in calls]
    return next(filter(None, codes), 0)


def hand_over(call: list[str]) -> NoReturn:
    """Become another program: its signals and its exit code are ours."""
    sys.stdout.flush()
    if os.name != "nt":
        os.execve(call[0], call, environment())
    child = subprocess.Popen(call, env=environment())
    while True:
        with contextlib.suppress(KeyboardInterrupt):  # Ctrl-C reaches the child by itself
            sys.exit(child.wait())


if __name__ == "__main__":
    try:
        code = main(sys.argv[1:])
        sys.stdout.flush()
        sys.exit(code)
    except RunError as problem:
        sys.exit(f"run.py: {problem}")
    except KeyboardInterrupt:
        sys.exit(130)
    except BrokenPipeError:  # whoever reads has seen enough, as `head` does
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(141)
