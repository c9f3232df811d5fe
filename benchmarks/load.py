"""Servers under load: starting them, wrk, processor time and memory of a process tree."""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path

TICKS = os.sysconf("SC_CLK_TCK")
SCRIPT = """
local requests, i = {}, 0
function init(args)
  wrk.method = "POST"; wrk.headers["Content-Type"] = "application/json"
  for line in io.lines(args[1]) do requests[#requests + 1] = wrk.format(nil, nil, nil, line) end
end
function request() i = i % #requests + 1; return requests[i] end
function done(summary, latency, _)
  local e = summary.errors
  io.write(string.format('{"n":%d,"us":%d,"p50":%.4f,"p99":%.4f,"failed":%d}\\n', summary.requests,
    summary.duration, latency:percentile(50) / 1000, latency:percentile(99) / 1000,
    e.status + e.connect + e.read + e.write + e.timeout))
end
"""


@dataclass
class Slice:
    """One short load: requests per second, milliseconds, CPU microseconds per request."""

    rate: float
    p50: float
    p99: float
    cpu: float


@dataclass
class Server:
    """A command that serves at a port, and what was measured on it."""

    name: str
    command: list[str]
    port: int
    path: str
    bodies: Path
    cwd: Path
    env: dict[str, str] = field(default_factory=dict)
    starts: list[float] = field(default_factory=list)
    slices: dict[str, list[Slice]] = field(default_factory=dict)
    megabytes: float = 0.0
    process: subprocess.Popen[bytes] | None = None
    beside: "Server | None" = None
    """Whose process answers here too; it is started before, and stopped for both."""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}{self.path}"

    def start(self, patience: float = 180.0) -> None:
        """Start it and wait for its first good answer."""
        begun = time.perf_counter()
        self.process = self.beside.process if self.beside else self._started()
        assert self.process
        body = self.bodies.read_bytes().splitlines()[0]
        while True:
            try:
                self.ask(body)
                break
            except OSError:
                if time.perf_counter() - begun > patience or self.process.poll() is not None:
                    sys.exit(f"{self.name} did not start: {' '.join(self.command)}")
                time.sleep(0.02)
        self.starts.append(time.perf_counter() - begun)

    def _started(self) -> subprocess.Popen[bytes]:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 1):
            sys.exit(f"{self.name} cannot start: somebody listens at port {self.port} already")
        return subprocess.Popen(
            self.command,
            cwd=self.cwd,
            env={**os.environ, **self.env},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )

    def stop(self) -> None:
        """Kill it and all it started."""
        if self.process and not self.beside and self.process.poll() is None:
            for member in tree(self.process.pid):  # some have a process group of their own
                with contextlib.suppress(ProcessLookupError):
                    os.kill(member, signal.SIGKILL)
            self.process.wait()

    def ask(self, body: bytes) -> bytes:
        """The answer to one body; anything but 200 raises."""
        request = urllib.request.Request(self.url, body, {"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=10) as reply:
            content: bytes = reply.read()
        return content

    def load(
        self,
        connections: int,
        seconds: int,
        script: Path,
        *,
        bodies: Path | None = None,
        keep: str = "",
    ) -> None:
        """Load it; a single answer that is not 2xx ends the benchmark.

        Keeps what was measured under a name, if there is one.
        """
        assert self.process
        before = cpu_seconds(self.process.pid)
        command = self.client(connections, seconds, script, bodies or self.bodies)
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        found = json.loads(done.stdout.splitlines()[-1])
        if found["failed"] or not found["n"]:
            sys.exit(f"{self.name} failed {found['failed']} of {found['n']} requests")
        cpu = (cpu_seconds(self.process.pid) - before) / found["n"] * 1e6
        result = Slice(found["n"] / found["us"] * 1e6, found["p50"], found["p99"], cpu)
        if keep:
            self.slices.setdefault(keep, []).append(result)
            self.megabytes = pss(self.process.pid)

    def client(self, connections: int, seconds: int, script: Path, bodies: Path) -> list[str]:
        """The command that loads it, and prints what it measured as SCRIPT does."""
        wrk = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", "20s"]
        return [*wrk, "-s", str(script), self.url, "--", str(bodies)]


def tree(pid: int) -> list[int]:
    """A process and its descendants."""
    children: list[str] = []
    try:
        for thread in Path(f"/proc/{pid}/task").iterdir():  # any of them may have started some
            children += (thread / "children").read_text().split()
    except OSError:
        return []
    return [pid, *(found for child in children for found in tree(int(child)))]


def cpu_seconds(pid: int) -> float:
    """User and system time of a process tree."""
    total = 0
    for member in tree(pid):
        fields = Path(f"/proc/{member}/stat").read_text().rpartition(")")[2].split()
        total += int(fields[11]) + int(fields[12])
    return total / TICKS


def pss(pid: int) -> float:
    """Memory of a process tree in MB, shared pages counted once."""
    total = 0
    for member in tree(pid):
        with contextlib.suppress(ProcessLookupError):  # it has ended, but nobody asked how
            for line in Path(f"/proc/{member}/smaps_rollup").read_text().splitlines():
                if line.startswith("Pss:"):
                    total += int(line.split()[1])
    return total / 1000


class Others:
    """What others took of the processors while these servers were measured."""

    def __init__(self, servers: list[Server]) -> None:
        self._pids = {server.process.pid for server in servers if server.process}
        self._begin = self._now()

    def shares(self) -> tuple[float, float]:
        """Of other processes of this machine, and of other machines on the same processors."""
        busy, stolen, passed, own = (
            now - then for now, then in zip(self._now(), self._begin, strict=True)
        )
        return max(busy - own, 0.0) / passed, stolen / passed

    def _now(self) -> tuple[float, float, float, float]:
        """Seconds since the start: all processes, other machines, all there was, our own."""
        values = Path("/proc/stat").read_text().splitlines()[0].split()[1:9]
        user, nice, system, idle, waiting, irq, softirq, stolen = (int(v) / TICKS for v in values)
        busy = user + nice + system + irq + softirq
        times = os.times()
        own = sum(times[:4]) + sum(map(cpu_seconds, self._pids))
        return busy, stolen, busy + idle + waiting + stolen, own


def stolen() -> tuple[float, float]:
    """Time that neighbours took from this machine, and all time, since the start."""
    values = [int(v) for v in Path("/proc/stat").read_text().splitlines()[0].split()[1:9]]
    return values[7], sum(values)
