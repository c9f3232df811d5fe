"""Serving, side by side in one run: ours, a constant, FastAPI with Pydantic, `mlflow models serve`.

    python3 run.py benchmark serving             # --mlflow adds MLflow (a large download)

One worker each, all up at once, loaded in turns with wrk; answers are compared before. Ratios of
medians travel, absolute figures do not. CPU is the least of the rounds, the least disturbed figure.
"""

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from . import load
from .load import Server
from .report import publish

ROOT = Path(__file__).resolve().parent.parent
RIVALS = Path(__file__).resolve().parent / "rivals"
CACHE = Path(tempfile.gettempdir()) / "copier-ml-benchmarks"
PACKAGE = "bench"
BODIES = """
import json
from engine.contract import example_rows
from engine.contract.read import load_contract
for row in example_rows.rows(load_contract(), 128, 3):
    print(json.dumps({"rows": [row]}))
"""
OURS, CONSTANT, FASTAPI, MLFLOW = "ours", "constant answer", "FastAPI", "mlflow models serve"
HEADER = (
    "| server | req/s c=1 | p50 / p99 ms c=1 | req/s c=16 | p50 / p99 ms c=16 | CPU us/req c=16 "
    "| req/s c=16 over FastAPI | start s | memory MB | environment MB |\n"
    "| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |"
)


def main() -> int:
    """Measure and publish the table."""
    parser = argparse.ArgumentParser(prog="run.py benchmark serving", description=main.__doc__)
    parser.add_argument("--mlflow", action="store_true")
    parser.add_argument(
        "--beside", type=Path, help="a project of another commit, for the same problem, that is up"
    )
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--seconds", type=int, default=2)
    options = parser.parse_args()
    if not shutil.which("wrk"):
        sys.exit("this needs wrk, the load generator (Debian: apt-get install wrk)")
    CACHE.mkdir(exist_ok=True)
    project = render()
    servers = [ours(project), constant(project), fastapi(project)]
    if options.mlflow:
        servers.append(mlflow(project))
    if options.beside:
        servers.append(beside(options.beside))
    script = CACHE / "post.lua"
    script.write_text(load.SCRIPT, encoding="utf-8")
    stolen, passed = load.stolen()
    measure(servers, script, options.rounds, options.seconds)
    stolen, passed = load.stolen()[0] - stolen, load.stolen()[1] - passed
    command = "python3 run.py benchmark serving" + (" --mlflow" if options.mlflow else "")
    noise = f"- Processor time taken by other machines meanwhile: {stolen / passed:.0%}."
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
    bodies = run([python(project), "-c", BODIES], cwd=project, PYTHONPATH="src")
    (CACHE / "bodies.txt").write_text(bodies, encoding="utf-8")
    return project


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
        env={"BENCH_ANSWER": str(CACHE / "answer.json"), "PYTHONDONTWRITEBYTECODE": "1"},
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


def measure(servers: list[Server], script: Path, rounds: int, seconds: int) -> None:
    """Start them three times, compare their answers, load them in turns."""
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
        for server in servers:
            server.load(4, 1, script, keep=False)
        for number in range(rounds):
            for server in servers[:: 1 if number % 2 == 0 else -1]:
                for connections in (1, 16):
                    server.load(connections, seconds, script)
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
    rates = {s.name: {c: middle(s, "rate", c) for c in (1, 16)} for s in servers}
    tails = {s.name: middle(s, "p99", 1) for s in servers}
    lines = [HEADER]
    for s in servers:
        lines.append(
            f"| {s.name} | {rates[s.name][1]:.0f} "
            f"| {middle(s, 'p50', 1):.2f} / {tails[s.name]:.2f} | {rates[s.name][16]:.0f} "
            f"| {middle(s, 'p50', 16):.2f} / {middle(s, 'p99', 16):.2f} "
            f"| {min(slice.cpu for slice in s.slices[16]):.0f} "
            f"| {rates[s.name][16] / rates[FASTAPI][16]:.2f} | {statistics.median(s.starts):.1f} "
            f"| {s.megabytes:.0f} | {installed(s):.0f} |"
        )
    over_fastapi = rates[OURS][16] / rates[FASTAPI][16]
    tail = tails[OURS] / tails[CONSTANT]
    cpu = least_cpu(servers, FASTAPI) / least_cpu(servers, OURS)
    lines += [
        "",
        f"- Throughput over FastAPI at concurrency 16: {over_fastapi:.1f} times (aim: 2); "
        f"by CPU per request {cpu:.1f} times.",
        f"- 99th percentile over the constant answer's at concurrency 1: {tail:.1f} times "
        "(aim: under 3).",
    ]
    if MLFLOW in rates:
        over = rates[OURS][16] / rates[MLFLOW][16]
        lines.append(f"- Throughput over MLflow at concurrency 16: {over:.0f} times (aim: 100).")
    return "\n".join(lines)


def middle(server: Server, figure: str, connections: int) -> float:
    return float(statistics.median(getattr(found, figure) for found in server.slices[connections]))


def least_cpu(servers: list[Server], name: str) -> float:
    [server] = (server for server in servers if server.name == name)
    return min(found.cpu for found in server.slices[16])


def environment(name: str) -> str:
    """The interpreter of a rival's own environment, made once."""
    folder = CACHE / f"{name}-env"
    interpreter = folder / "bin" / "python"
    if not (folder / "complete").exists():
        shutil.rmtree(folder, ignore_errors=True)
        run([sys.executable, "-m", "venv", str(folder)])
        requirements = str(RIVALS / f"requirements-{name}.txt")
        run([str(interpreter), "-m", "pip", "install", "-q", "-r", requirements])
        (folder / "complete").touch()
    return str(interpreter)


def installed(server: Server) -> float:
    """Megabytes of an environment with only what this server needs."""
    if server.name in (OURS, CONSTANT):
        folder = CACHE / "serving-env"
        if not folder.exists():
            lock = str(CACHE / PACKAGE / "requirements-serve.lock")
            base: str = getattr(sys, "_base_executable", sys.executable)  # the one that has pip
            run([base, "-m", "venv", "--without-pip", str(folder)])
            pip = [base, "-m", "pip", "--python", str(folder / "bin" / "python")]
            run([*pip, "install", "-q", "--no-compile", "--require-hashes", "-r", lock])
    else:
        folder = Path(server.command[0]).parent.parent
    files = (file for file in folder.rglob("*") if file.is_file() and not file.is_symlink())
    kept = (f for f in files if f.suffix != ".pyc" and "site-packages/pip" not in f.as_posix())
    return sum(file.stat().st_size for file in kept) / 1e6


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
