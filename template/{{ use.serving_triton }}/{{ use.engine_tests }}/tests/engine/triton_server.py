"""Triton for tests, as its verb starts it: in a process group of its own, with a deadline."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from tritonclient import grpc, http

from engine.contract.schema import Contract
from engine.core.settings import load_settings
from engine.serving import open_inference

ROOT = Path(__file__).parents[2]
NAME = load_settings(ROOT / "settings.toml", {}).name
START_SECONDS = 600  # the first start installs the environment
VERB = [sys.executable, str(ROOT / "run.py"), "triton", "serve"]


def environment(**options: Any) -> dict[str, str]:
    """The environment of the verb, with these settings and no other."""
    env = {k: v for k, v in os.environ.items() if not k.startswith("APP_")}
    return env | {f"APP_{name.upper()}": str(value) for name, value in options.items()}


@contextmanager
def serving(store: Path, **options: Any) -> Iterator[tuple[int, subprocess.Popen[str]]]:
    """A running Triton; gives its first port and the process that looks after it."""
    port = free_ports()
    process = subprocess.Popen(
        VERB,
        env=environment(store=store, port=port, **{"prediction_log": "", **options}),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    watch = threading.Timer(START_SECONDS, kill, [process])
    watch.start()
    try:
        assert process.stdout
        said = process.stdout.readline()
        watch.cancel()
        assert said.startswith(f"serving on http://127.0.0.1:{port} "), process.communicate()[1]
        yield port, process
    finally:
        watch.cancel()
        if process.poll() is None:
            process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(60)
        kill(process)
        process.communicate()


def kill(process: subprocess.Popen[str]) -> None:
    """End the process and whatever is in its group; Triton itself ends with it."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)


def free_ports() -> int:
    """A port that is free, as are the two after it."""
    while True:
        with contextlib.ExitStack() as held, contextlib.suppress(OSError, OverflowError):
            first = held.enter_context(socket.create_server(("127.0.0.1", 0))).getsockname()[1]
            for port in (first + 1, first + 2):
                held.enter_context(socket.create_server(("127.0.0.1", port)))
            return int(first)


def infer(port: int, way: str, contract: Contract, rows: list[dict[str, Any]], **more: Any) -> Any:
    """Ask by Triton's own client, `way` being json, binary or grpc; its result."""
    module, address = (grpc, port + 1) if way == "grpc" else (http, port)
    inputs = []
    for each in open_inference.inputs(contract):
        name, kind = each["name"], each["datatype"]
        array = _array(kind, [row[name] for row in rows])
        inputs.append(module.InferInput(name, array.shape, kind))
        binary = {} if way == "grpc" else {"binary_data": way == "binary"}
        inputs[-1].set_data_from_numpy(array, **binary)
    outputs = None
    if way == "json":  # else the client asks for binary outputs
        named = [each["name"] for each in open_inference.outputs(contract)]
        outputs = [http.InferRequestedOutput(name, binary_data=False) for name in named]
    with module.InferenceServerClient(f"127.0.0.1:{address}") as client:
        return client.infer(NAME, inputs, outputs=outputs, **more)


def _array(kind: str, values: list[Any]) -> Any:
    """Nothing can be null here: NaN is a missing number, and the empty text a missing one."""
    if kind == "BYTES":
        return np.array([(v or "").encode() for v in values], object).reshape(-1, 1)
    numbers = [np.nan if value is None else value for value in values]
    return np.array(numbers, open_inference.NUMPY[kind]).reshape(-1, 1)
