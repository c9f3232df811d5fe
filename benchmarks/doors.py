"""Other ways to ask a server than JSON over HTTP with wrk, each measured the same."""

import json
import struct
import subprocess
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .load import SCRIPT, Server, Slice

RIVALS = Path(__file__).resolve().parent / "rivals"
LENGTH = "Inference-Header-Content-Length"
BINARY = SCRIPT.replace(
    "requests[#requests + 1] = wrk.format(nil, nil, nil, line)",
    f"""
    local length, digits = line:match("(%d+) (%x+)")
    local body = digits:gsub("..", function(two) return string.char(tonumber(two, 16)) end)
    local headers = {{["{LENGTH}"] = length, ["Content-Type"] = "application/octet-stream"}}
    requests[#requests + 1] = wrk.format(nil, nil, headers, body)""",
)
"""The load of `load.SCRIPT` for lines of a length and hexadecimal digits."""

FORMATS = {"FP32": "f", "FP64": "d"}


@dataclass
class Binary(Server):
    """The Open Inference Protocol with tensors behind the JSON."""

    def ask(self, body: bytes) -> bytes:
        """The answer to a line, with the numbers back in the JSON."""
        length, digits = body.decode().split()
        headers = {LENGTH: length, "Content-Type": "application/octet-stream"}
        request = urllib.request.Request(self.url, bytes.fromhex(digits), headers)
        with urllib.request.urlopen(request, timeout=10) as reply:
            content, size = reply.read(), int(reply.headers[LENGTH])
        answer, at = json.loads(content[:size]), size
        for each in answer["outputs"]:
            raw = content[at : at + each["parameters"]["binary_data_size"]]
            at += len(raw)
            if letter := FORMATS.get(each["datatype"]):
                each["data"] = [value for [value] in struct.iter_unpack(f"<{letter}", raw)]
        return json.dumps(answer).encode()

    def client(self, connections: int, seconds: int, script: Path, bodies: Path) -> list[str]:
        """wrk, with a script of its own that puts the bytes together."""
        del script
        own = bodies.with_suffix(".lua")
        own.write_text(BINARY, encoding="utf-8")
        return super().client(connections, seconds, own, bodies)


@dataclass
class Grpc(Server):
    """The Open Inference Protocol over gRPC, asked by a client in Python."""

    python: str = ""
    """An interpreter with grpcio and tritonclient."""

    def ask(self, body: bytes) -> bytes:
        """The numbers of the answer to a line; OSError where there is none."""
        number = self.bodies.read_bytes().splitlines().index(body)
        done = subprocess.run([*self._client, "ask", str(number)], capture_output=True, timeout=60)
        if done.returncode:
            raise OSError(done.stderr.decode()[-500:])
        return done.stdout

    def client(self, connections: int, seconds: int, script: Path, bodies: Path) -> list[str]:
        """Callers in one process of Python."""
        del script, bodies
        return [*self._client, "load", str(connections), str(seconds)]

    @property
    def _client(self) -> list[str]:
        program = [self.python, str(RIVALS / "grpc_client.py")]
        return [*program, f"127.0.0.1:{self.port}", str(self.bodies)]


@dataclass
class Function(Server):
    """The function of AWS Lambda: each load is a process of its own, which starts cold."""

    def start(self, patience: float = 180.0) -> None:
        """Nothing listens: what is measured starts with the load."""

    def ask(self, body: bytes) -> bytes:
        """The answer to the first line, whichever is asked for."""
        del body
        return str(self._measured(1)["answer"]).encode()

    def load(self, connections: int, seconds: int, *_: Path, keep: str = "", **more: Any) -> None:
        """Start it and call it, one call after the other."""
        del more
        if connections != 1 or not keep:
            return
        found = self._measured(seconds)
        self.starts.append(found["cold"])
        self.megabytes = found["megabytes"]
        result = Slice(found["rate"], found["p50"], found["p99"], found["cpu"])
        self.slices.setdefault(keep, []).append(result)

    def _measured(self, seconds: int) -> dict[str, Any]:
        command = [*self.command, str(self.bodies), str(seconds)]
        done = subprocess.run(
            command, cwd=self.cwd, env=self.env, capture_output=True, text=True, timeout=120
        )
        if done.returncode:
            raise SystemExit(f"{self.name} failed:\n{done.stderr[-2000:]}")
        answer: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
        return answer
