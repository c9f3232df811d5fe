"""Serving, side by side in one run: ours, a constant, FastAPI with Pydantic, `mlflow models serve`.

    python3 run.py benchmark serving             # --mlflow adds MLflow (a large download)

One worker each, all up at once, loaded in turns with wrk; answers are compared before. Ratios
travel, absolute figures do not: each is the median of the rounds, with the least and the largest.
CPU is the least of the rounds, the least disturbed figure.
"""

import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from . import rounds
from .load import Server
from .report import publish
from .rounds import MANY, ONE, middle, over, ratios

ROOT = Path(__file__).resolve().parent.parent
RIVALS = Path(__file__).resolve().parent / "rivals"
CACHE = Path(tempfile.gettempdir()) / "copier-ml-benchmarks"
PACKAGE = "bench"
BODIES = """
import json, sys
from engine.contract import example_rows
from engine.contract.read import load_contract
count = int(sys.argv[1])
rows = example_rows.rows(load_contract(), 128 * count, 3)
for start in range(0, len(rows), count):
    print(json.dumps({"rows": rows[start : start + count]}))
"""
HUNDRED = "100 rows"
COMPILED = {"PYTHONPYCACHEPREFIX": str(CACHE / "compiled")}  # modules, beside no file of ours
INSTALLERS = {"pip", "setuptools", "pkg_resources", "_distutils_hack"}
OURS, CONSTANT, FASTAPI, MLFLOW = "ours", "constant answer", "FastAPI", "mlflow models serve"
HEADER = (
    "| server | req/s c=1 | p50 / p99 ms c=1 | req/s c=16 | p50 / p99 ms c=16 | CPU us/req c=16 "
    "| p50 ms of 100 rows | start s | memory MB | environment MB |\n"
    "| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |"
)


def main() -> int:
    """Measure and publish the table."""
    parser = rounds.parser("serving", main.__doc__, 7)
    parser.add_argument("--mlflow", action="store_true")
    parser.add_argument(
        "--beside", type=Path, help="a project of another commit, for the same problem, that is up"
    )
    options = rounds.options(parser)
    CACHE.mkdir(exist_ok=True)
    project = render()
    servers = [ours(project), constant(project), fastapi(project)]
    if options.mlflow:
        servers.append(mlflow(project))
    if options.beside:
        servers.append(beside(options.beside))
    noise = measure(servers, options.rounds, options.seconds)
    command = "python3 run.py benchmark serving" + (" --mlflow" if options.mlflow else "")
    publish("serving", f"{table(servers)}\n{noise}", command)
    return 0


def render() -> Path:
    """A project with a champion, and the bodies to ask with."""
    project = CACHE / PACKAGE
    shutil.rmtree(project, ignore_errors=True)
    answers = ["-d", f"project_name={PACKAGE}", "-d", "model=linear", "-d", "tracking=files"]
    minor = f"python_minor={sys.version_info[0]}.{sys.version_info[1]}"
    new = [sys.executable, str(ROOT / "run.py"), "new", str(project), "--defaults", "-q"]
    run([*new, *answers, "-d", minor])
    run([sys.executable, "run.py", "up", "--once"], cwd=project)
    for count, name in ((1, "bodies.txt"), (100, "bodies-100.txt")):
        (CACHE / name).write_text(bodies(project, count), encoding="utf-8")
    return project


def bodies(project: Path, rows: int) -> str:
    """128 requests of as many rows each, a line each, as the contract of a project allows them."""
    command = [python(project), "-c", BODIES, str(rows)]
    return run(command, cwd=project, PYTHONPATH="src")


def ours(project: Path) -> Server:
    """The rendered server with everything on: checks, ids, log, metrics, bounded queue."""
    return Server(
        name=OURS,
        command=[python(project), "-m", "engine", "serve"],
        port=8301,
        path="/v1/predict",
        bodies=CACHE / "bodies.txt",
        cwd=project,
        env={"PYTHONPATH": "src", "APP_PORT": "8301"},
    )


def beside(project: Path) -> Server:
    """The server that another commit rendered, with everything on."""
    return Server(
        name=f"that of {project.name}",
        command=[python(project), "run.py", "serve"],
        port=8305,
        path="/v1/predict",
        bodies=CACHE / "bodies.txt",
        cwd=project,
        env={"APP_PORT": "8305"},
    )


def constant(project: Path) -> Server:
    """The same server software, answering the same bytes always."""
    return rival(CONSTANT, python(project), "constant:app", 8302)


def fastapi(project: Path) -> Server:
    """The handler a user would write, on the same server software and model file."""
    [bundle] = (project / "store" / "versions").iterdir()
    found = rival(FASTAPI, environment("fastapi"), "fastapi_minimal:app", 8303)
    found.env["BENCH_BUNDLE"] = str(bundle)
    return found


def rival(name: str, python: str, app: str, port: int) -> Server:
    """An ASGI application on uvicorn with uvloop and httptools, without an access log."""
    uvicorn = ["-m", "uvicorn", app, "--port", str(port), "--loop=uvloop", "--http=httptools"]
    return Server(
        name=name,
        command=[python, *uvicorn, "--no-access-log", "--log-level=warning"],
        port=port,
        path="/v1/predict",
        bodies=CACHE / "bodies.txt",
        cwd=RIVALS,
        env={"BENCH_ANSWER": str(CACHE / "answer.json"), **COMPILED},
    )


def mlflow(project: Path) -> Server:
    """A scikit-learn pipeline on the same columns, served as MLflow's documentation says."""
    interpreter, model = environment("mlflow"), CACHE / "mlflow-model"
    shutil.rmtree(model, ignore_errors=True)
    bodies = str(CACHE / "bodies.txt")
    run([interpreter, str(RIVALS / "mlflow_model.py"), str(project), str(model), bodies])
    serve = ["models", "serve", "-m", str(model), "--env-manager", "local", "-p", "8304", "-w", "1"]
    path = f"{Path(interpreter).parent}{os.pathsep}{os.environ['PATH']}"
    return Server(
        name=MLFLOW,
        command=[interpreter, "-m", "mlflow", *serve],
        port=8304,
        path="/invocations",
        bodies=model.with_suffix(".bodies"),
        cwd=CACHE,
        env={"PATH": path},
    )


def measure(servers: list[Server], times: int, seconds: int) -> str:
    """Start them three times, compare their answers, load them in turns; returns the noise."""
    lua, hundred = rounds.script(CACHE), CACHE / "bodies-100.txt"

    def more(server: Server) -> None:
        if server.name in (OURS, FASTAPI):
            server.load(1, seconds, lua, bodies=hundred, keep=HUNDRED)

    body = (CACHE / "bodies.txt").read_bytes().splitlines()[0]
    try:
        for server in servers:
            for again in (True, True, False):
                server.start()
                if server.name == OURS:
                    (CACHE / "answer.json").write_bytes(server.ask(body))
                if again:
                    server.stop()
        compare(servers)
        return rounds.loaded(servers, lua, times, seconds, more)
    finally:
        for server in servers:
            server.stop()


def compare(servers: list[Server]) -> None:
    """End the benchmark unless FastAPI answers 20 rows as ours does."""
    by_name = {server.name: server for server in servers}
    for body in (CACHE / "bodies.txt").read_bytes().splitlines()[:20]:
        [mine] = json.loads(by_name[OURS].ask(body))["predictions"]
        [theirs] = json.loads(by_name[FASTAPI].ask(body))["predictions"]
        shares = mine["probabilities"], theirs["probabilities"]
        if any(abs(shares[0][label] - shares[1][label]) > 1e-6 for label in shares[0]):
            sys.exit(f"different answers to {body!r}: {shares}")


def table(servers: list[Server]) -> str:
    """The figures as a table, and the aims with what was reached."""
    lines = [HEADER]
    for s in servers:
        hundred = f"{middle(s, 'p50', HUNDRED):.2f}" if HUNDRED in s.slices else ""
        lines.append(
            f"| {s.name} | {middle(s, 'rate', ONE):.0f} "
            f"| {middle(s, 'p50', ONE):.2f} / {middle(s, 'p99', ONE):.2f} "
            f"| {middle(s, 'rate', MANY):.0f} "
            f"| {middle(s, 'p50', MANY):.2f} / {middle(s, 'p99', MANY):.2f} "
            f"| {least_cpu(s):.0f} | {hundred} | {statistics.median(s.starts):.1f} "
            f"| {s.megabytes:.0f} | {installed(s):.0f} |"
        )
    by_name = {s.name: s for s in servers}
    mine, floor, fastapi = by_name[OURS], by_name[CONSTANT], by_name[FASTAPI]
    lines += [
        "",
        f"- Throughput over FastAPI at concurrency 16: {over(mine, fastapi, 'rate', MANY)} "
        f"(aim: 4); by CPU per request {least_cpu(fastapi) / least_cpu(mine):.1f} times.",
        f"- Throughput over FastAPI at concurrency 1: {over(mine, fastapi, 'rate', ONE)} "
        "(aim: 1.7).",
        "- CPU per request over the constant answer's at concurrency 16: "
        f"{least_cpu(mine) / least_cpu(floor):.1f} times (aim: 2.2).",
        f"- 99th percentile over the constant answer's at concurrency 1: "
        f"{over(mine, floor, 'p99', ONE)} (aim: 2).",
        f"- A request of 100 rows over one of a row, by the median: "
        f"{ratios(mine.slices[HUNDRED], mine.slices[ONE], 'p50')} (aim: 5).",
    ]
    if MLFLOW in by_name:
        times = over(mine, by_name[MLFLOW], "rate", MANY)
        lines.append(f"- Throughput over MLflow at concurrency 16: {times} (aim: 100).")
    return "\n".join(lines)


def least_cpu(server: Server) -> float:
    return min(found.cpu for found in server.slices[MANY])


def environment(name: str, requirements: Path | None = None, *flags: str) -> str:
    """The interpreter of an environment of its own, made once for the same requirements."""
    folder = CACHE / f"{name}-env"
    interpreter, complete = folder / "bin" / "python", folder / "complete"
    requirements = requirements or RIVALS / f"requirements-{name}.txt"
    wanted = requirements.read_text(encoding="utf-8")
    if not complete.exists() or complete.read_text(encoding="utf-8") != wanted:
        shutil.rmtree(folder, ignore_errors=True)
        run([sys.executable, "-m", "venv", str(folder)])
        pip = [str(interpreter), "-m", "pip", "install", "-q", "--no-compile", *flags]
        run([*pip, "-r", str(requirements)])
        complete.write_text(wanted, encoding="utf-8")
    return str(interpreter)


def installed(server: Server) -> float:
    """Megabytes of an environment with only what this server needs, without its installers."""
    interpreter = server.command[0]
    if server.name in (OURS, CONSTANT):
        lock = CACHE / PACKAGE / "requirements-serve.lock"
        interpreter = environment("serving", lock, "--require-hashes")
    size = 0
    for file in Path(interpreter).parent.parent.rglob("*"):
        owner = file.as_posix().partition("/site-packages/")[2].partition("/")[0].partition("-")[0]
        if file.is_file() and not file.is_symlink() and file.suffix != ".pyc":
            size += file.stat().st_size if owner not in INSTALLERS else 0
    return size / 1e6


def python(project: Path) -> str:
    return str(project / ".venv" / "bin" / "python")


def run(command: list[str], cwd: Path | None = None, **env: str) -> str:
    """What a command prints; what it complains about is shown only when it fails."""
    done = subprocess.run(
        command, cwd=cwd, env={**os.environ, **env}, capture_output=True, text=True
    )
    if done.returncode:
        sys.exit(f"{' '.join(command)} failed:\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
    return done.stdout


if __name__ == "__main__":
    sys.exit(main())
