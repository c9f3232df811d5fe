"""One model behind every platform's server, side by side in one run.

    python3 run.py benchmark platforms           # --small: one short round, and no page is written

Renders with KServe, Seldon, Triton and Lambda answer for the champion of the first; KServe's own
server, BentoML and FastAPI have the same model behind a handler that a user would write. Answers
are compared before. One worker each, all up at once, loaded in turns; Lambda starts anew each time.
"""

import json
import os
import shutil
import statistics
import sys
from collections.abc import Callable
from pathlib import Path

from . import rounds
from .doors import Binary, Function, Grpc
from .load import Server
from .report import publish
from .rounds import MANY, ONE, middle, over
from .serving import (
    CACHE,
    COMPILED,
    CONSTANT,
    FASTAPI,
    RIVALS,
    ROOT,
    bodies,
    environment,
    python,
    rival,
    run,
)

NAME = "bench"
HOME = CACHE / "platforms"
WHERE = {"kserve": "kubernetes", "seldon": "kubernetes", "triton": "kubernetes", "lambda": "aws"}
INPUTS = """
import json
from engine.contract.read import load_contract
from engine.serving.rows import open_inference
print(json.dumps(open_inference.inputs(load_contract())))
"""
PREDICT, TENSORS, IN_BINARY = "/v1/predict", "its /v2, JSON", "its /v2, binary"
KSERVE, KSERVE_TENSORS = "KServe's server, /v1", "KServe's server, /v2 JSON"
BENTOML, LAMBDA = "BentoML", "Lambda's handler"
MLSERVER, MLSERVER_GRPC = "MLServer, JSON", "MLServer, gRPC"
TRITON, TRITON_GRPC = "Triton, JSON", "Triton, gRPC"
HEADER = (
    "| server | req/s c=1 | p50 / p99 ms c=1 | CPU us/req c=1 | req/s c=16 | p50 / p99 ms c=16 "
    "| CPU us/req c=16 | start s | memory MB |\n"
    "| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |"
)


def main() -> int:
    """Measure and publish the table."""
    parser = rounds.parser("platforms", main.__doc__, 5)
    parser.add_argument("--small", action="store_true", help="one short round, and no page")
    options = rounds.options(parser)
    times, seconds = (1, 1) if options.small else (options.rounds, options.seconds)
    projects = render()
    servers = [*ours(projects), *with_handler(projects["kserve"]), *others(projects)]
    noise = measure(servers, times, seconds)
    found = f"{table(servers)}\n{noise}"
    if options.small:
        print(found)
    else:
        publish("platforms", found, "python3 run.py benchmark platforms")
    return 0


def render() -> dict[str, Path]:
    """A project for each platform, the first with a champion, and the bodies to ask with."""
    shutil.rmtree(HOME, ignore_errors=True)
    projects = {serving: HOME / serving for serving in WHERE}
    minor = f"python_minor={sys.version_info[0]}.{sys.version_info[1]}"
    answers = [f"project_name={NAME}", "model=linear", "tracking=files", minor]
    for serving, project in projects.items():
        wanted = [*answers, f"serving={serving}", f"runs_on={WHERE[serving]}"]
        if serving == "lambda":  # its tests have the stand-in of the Runtime API
            wanted += ["artifact_store=s3", "engine_tests=yes"]
        new = [sys.executable, str(ROOT / "run.py"), "new", str(project), "--defaults", "-q"]
        run([*new, *(word for answer in wanted for word in ("-d", answer))])
    run([sys.executable, "run.py", "up", "--once"], projects["kserve"], APP_PORT="8320")
    # Each of these makes the environment of its verb, and says what it takes.
    for serving, verb in (("seldon", "mlserver"), ("triton", "triton"), ("lambda", "train")):
        run([sys.executable, "run.py", verb, "--help"], projects[serving])
    rows, here = HOME / "rows.txt", projects["kserve"]
    rows.write_text(bodies(here, 1), encoding="utf-8")
    lines = rows.read_text(encoding="utf-8").replace('{"rows"', '{"instances"')
    (HOME / "instances.txt").write_text(lines, encoding="utf-8")
    inputs = run([python(here), "-c", INPUTS], here, PYTHONPATH="src")
    tensors = [own(projects["triton"], "triton"), str(RIVALS / "tensors.py"), inputs]
    run([*tensors, str(rows), str(HOME), NAME, "champion"])
    return projects


def ours(projects: dict[str, Path]) -> list[Server]:
    """The render with KServe: rows, and the Open Inference Protocol twice; and the floor."""
    project = projects["kserve"]
    predict = Server(
        name=PREDICT,
        command=[python(project), "-m", "engine", "serve"],
        port=8321,
        path="/v1/predict",
        bodies=HOME / "rows.txt",
        cwd=project,
        env={"PYTHONPATH": "src", "APP_PORT": "8321"},
    )
    infer = f"/v2/models/{NAME}/infer"
    return [
        predict,
        beside(predict, TENSORS, "json", infer),
        beside(predict, IN_BINARY, "binary", infer, Binary),
        listens(rival(CONSTANT, python(project), "constant:app", 8322)),
    ]


def with_handler(project: Path) -> list[Server]:
    """What a user would write, behind FastAPI, KServe's server and BentoML."""
    [bundle] = (project / "store" / "versions").iterdir()
    fastapi = listens(rival(FASTAPI, environment("fastapi"), "fastapi_minimal:app", 8323))
    quiet = ["--enable_grpc", "false", "--enable_latency_logging", "false"]
    flags = ["kserve_server.py", "--model_name", NAME, "--http_port", "8324", *quiet]
    kserve = Server(
        name=KSERVE,
        command=[environment("kserve"), *flags],
        port=8324,
        path=f"/v1/models/{NAME}:predict",
        bodies=HOME / "instances.txt",
        cwd=RIVALS,
    )
    program = str(Path(environment("bentoml")).with_name("bentoml"))
    bento = Server(
        name=BENTOML,
        command=[program, "serve", "bentoml_service:Handler", "--port", "8325"],
        port=8325,
        path="/v1/predict",
        bodies=HOME / "rows.txt",
        cwd=RIVALS,
        env={"BENTOML_DO_NOT_TRACK": "true"},
    )
    for server in (fastapi, kserve, bento):
        server.env |= {"BENCH_BUNDLE": str(bundle), **COMPILED}
    tensors = beside(kserve, KSERVE_TENSORS, "json", f"/v2/models/{NAME}/infer")
    return [fastapi, kserve, tensors, bento]


def others(projects: dict[str, Path]) -> list[Server]:
    """The renders for MLServer, Triton and Lambda, over the champion of the first."""
    store = str(projects["kserve"] / "store")
    client, found = own(projects["triton"], "triton"), []
    for serving, verb, model, lines, port, names in (
        ("seldon", ["mlserver"], "champion", "json", 8331, (MLSERVER, MLSERVER_GRPC)),
        ("triton", ["triton", "serve"], NAME, "nan", 8341, (TRITON, TRITON_GRPC)),
    ):
        project = projects[serving]
        server = Server(
            name=names[0],
            command=[own(project, serving), "-m", "engine", *verb],
            port=port,
            path=f"/v2/models/{model}/infer",
            bodies=HOME / f"{lines}.txt",
            cwd=project,
            env={"PYTHONPATH": "src", "APP_PORT": str(port), "APP_STORE": store},
        )
        grpc = beside(server, names[1], model, "", Grpc)
        grpc.port, grpc.python = port + 1, client
        found += [server, grpc]
    project = projects["lambda"]
    path = os.pathsep.join(["src", ".", str(ROOT)])
    function = Function(
        name=LAMBDA,
        command=[python(project), str(RIVALS / "lambda_client.py"), store],
        port=0,
        path="",
        bodies=HOME / "rows.txt",
        cwd=project,
        env={**os.environ, "PYTHONPATH": path},
    )
    return [*found, function]


def beside(
    server: Server, name: str, lines: str, path: str, way: Callable[..., Server] = Server
) -> Server:
    """Another way to ask a server, with bodies of its own."""
    return way(name, [], server.port, path, HOME / f"{lines}.txt", server.cwd, beside=server)


def listens(server: Server) -> Server:
    """A rival of `benchmark serving`, asked with the rows of this one."""
    server.bodies = HOME / "rows.txt"
    server.env["BENCH_ANSWER"] = str(HOME / "answer.json")
    return server


def own(project: Path, serving: str) -> str:
    """The interpreter of the environment that a platform has for itself."""
    return str(project / "deploy" / serving / ".venv" / "bin" / "python")


def measure(servers: list[Server], times: int, seconds: int) -> str:
    """Start them three times, compare their answers, load them in turns; returns the noise."""
    try:
        for again in (True, True, False):  # the first time compiles modules
            for server in servers:
                server.start()
                if server.name == PREDICT:
                    answer = server.ask(server.bodies.read_bytes().splitlines()[0])
                    (HOME / "answer.json").write_bytes(answer)
            for server in servers if again else []:
                server.stop()
        compare(servers)
        return rounds.loaded(servers, rounds.script(HOME), times, seconds)
    finally:
        for server in servers:
            server.stop()


def compare(servers: list[Server]) -> None:
    """End the benchmark unless every server gives the same probabilities for the first rows."""
    wanted: list[list[float]] = []
    for server in servers:
        lines = server.bodies.read_bytes().splitlines()[: 1 if isinstance(server, Function) else 5]
        try:
            said = [probabilities(server.ask(line)) for line in lines]
        except OSError as error:
            sys.exit(f"{server.name} did not answer: {error}")
        wanted = wanted or said
        if server.name == CONSTANT:
            continue
        for mine, theirs in zip(wanted, said, strict=False):
            pairs = zip(mine, theirs, strict=True)
            if any(abs(one - another) > 1e-6 for one, another in pairs):
                sys.exit(f"{server.name} answers {theirs} where {PREDICT} answers {mine}")


def probabilities(answer: bytes) -> list[float]:
    """The first row's, of an answer with tensors or with predictions."""
    content = json.loads(answer)
    for each in content.get("outputs", []):
        if each["name"] == "probabilities":
            return [float(share) for share in each["data"]]
    return [float(share) for share in content["predictions"][0]["probabilities"].values()]


def table(servers: list[Server]) -> str:
    """The figures as a table, and the comparisons that were asked for."""
    lines = [HEADER]
    for server in servers:
        figures = [cell for what in (ONE, MANY) for cell in cells(server, what)]
        start = "" if server.beside else f"{statistics.median(server.starts):.1f}"
        memory = "" if server.beside else f"{server.megabytes:.0f}"
        lines.append(f"| {' | '.join([server.name, *figures, start, memory])} |")
    by_name = {server.name: server for server in servers}
    mine = by_name[PREDICT]
    cold = by_name[LAMBDA].starts
    lines += [
        "",
        *(
            f"- `/v1/predict` over {name}, by throughput at concurrency 16: "
            f"{over(mine, by_name[name], 'rate', MANY)}{aim}."
            for name, aim in (
                (TENSORS, " (aim: at most 1.3)"),
                (IN_BINARY, " (aim: at most 1.3)"),
                (KSERVE, ""),
                (KSERVE_TENSORS, ""),
                (BENTOML, ""),
                (MLSERVER, ""),
                (TRITON, ""),
            )
        ),
        f"- Lambda's handler, cold, from the start of the process to the first answer: "
        f"{statistics.median(cold):.2f} s ({min(cold):.2f} to {max(cold):.2f}).",
    ]
    return "\n".join(lines)


def cells(server: Server, what: str) -> list[str]:
    """Throughput with its spread, latency, and the least CPU of the rounds."""
    found = server.slices.get(what)
    if not found:
        return ["", "", ""]
    rates = [each.rate for each in found]
    return [
        f"{statistics.median(rates):.0f} ({min(rates):.0f} to {max(rates):.0f})",
        f"{middle(server, 'p50', what):.2f} / {middle(server, 'p99', what):.2f}",
        f"{min(each.cpu for each in found):.0f}",
    ]


if __name__ == "__main__":
    sys.exit(main())
