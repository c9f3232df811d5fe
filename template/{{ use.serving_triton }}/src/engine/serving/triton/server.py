"""The process of Triton: where it is, how it is called, how it starts and ends."""

import contextlib
import ctypes
import importlib.util
import os
import secrets
import signal
import subprocess
import sys
import sysconfig
import tempfile
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

from engine.core.errors import ProjectError, SettingsError
from engine.core.settings import Settings
from engine.serving.http.server import listen
from engine.serving.triton import repository

START_SECONDS = 120  # without its libraries the Python backend neither becomes ready nor ends
KILL_SECONDS = 10  # after drain_seconds
ADMIN = "x-admin"
HIDDEN = "model-repository,shared-memory,trace,logging"  # what no caller needs


def run(settings: Settings, when_up: Callable[[str], object], *, once: bool = False) -> int:
    """Serve in the foreground until SIGTERM or Ctrl-C; `when_up` is called with the address.

    HTTP at `port`, gRPC at the next one, Triton's metrics at the one after. With `once` it stops
    after that call.

    Raises SettingsError where Triton cannot run, ProjectError when it does not become ready.
    """
    triton = find()
    for port in range(settings.port, settings.port + 3):
        listen(settings.host, port).close()
    with tempfile.TemporaryDirectory(prefix="triton-") as folder, _signals() as leave:
        place = Path(folder)
        _, bundle = repository.champion(settings)
        repository.write_whole(place / "models", bundle, settings)
        key = secrets.token_hex(16)
        command = [*_program(triton, place), *flags(place / "models", settings, key)]
        process = subprocess.Popen(
            command, env=_environment(triton), start_new_session=True, preexec_fn=_end_with_us
        )
        try:
            if _await_ready(process, settings, leave):
                when_up(_url(settings))
                while not once and process.poll() is None:
                    if leave.wait(settings.reload_seconds):
                        break
                    follow(place / "models", settings, key)
        finally:
            code = _end(process, settings.drain_seconds)
    if not leave.is_set() and not once:
        raise ProjectError(f"Triton ended by itself with code {code}; what it said stands above")
    return 0 if code == 0 else 1


def find() -> Path:
    """The folder of pytriton, whose wheel brings the server.

    Raises SettingsError where it is not installed, or this Python cannot be loaded by it.
    """
    found = importlib.util.find_spec("pytriton")
    if not found or not found.origin:
        raise SettingsError(
            "Triton is not in this environment; python3 run.py triton starts it in its own"
        )
    library = sysconfig.get_config_var("INSTSONAME") or ""
    if not library.startswith("libpython") or ".so" not in library or not _library().is_file():
        raise SettingsError(
            f"{sys.base_prefix} is a Python without a shared library, which Triton's Python "
            "backend loads; take one that has it: a package of your system, or one built with "
            "--enable-shared"
        )
    return Path(found.origin).parent


def flags(models: Path, settings: Settings, key: str) -> list[str]:
    """What Triton is told: ports, the model, and what nobody may do who does not know `key`."""
    hidden = f"{HIDDEN}:{ADMIN}={key}"
    address = settings.host
    return [
        f"--model-repository={models}",
        "--model-control-mode=explicit",  # polling would load a model again for its __pycache__
        f"--load-model={settings.name}",
        f"--http-address={address}",
        f"--http-port={settings.port}",
        f"--grpc-address={address}",
        f"--grpc-port={settings.port + 1}",
        f"--metrics-address={address}",
        f"--metrics-port={settings.port + 2}",
        "--allow-gpu-metrics=false",
        "--pinned-memory-pool-byte-size=0",
        "--disable-auto-complete-config",  # it would start each model a second time
        "--http-header-forward-pattern=(?i)x-api-key",
        "--grpc-header-forward-pattern=(?i)x-api-key",
        f"--http-restricted-api={hidden}",
        f"--grpc-restricted-protocol={hidden}",
        f"--exit-timeout-secs={settings.drain_seconds}",
        f"--log-info={str(settings.log_level.lower() == 'debug').lower()}",
    ]


def _program(triton: Path, folder: Path) -> list[str]:
    """The server with its Python backend, to which the stub of this Python is put."""
    minor = "{}.{}".format(*sys.version_info)
    stub = triton / "tritonserver/python_backend_stubs" / minor / "triton_python_backend_stub"
    if not stub.is_file():
        raise SettingsError(f"Triton's Python backend has no stub for Python {minor}")
    backend = folder / "backends/python"
    backend.mkdir(parents=True)
    for file in [*(triton / "tritonserver/backends/python").iterdir(), stub]:
        (backend / file.name).symlink_to(file)  # a copy would not find its libraries
    return [str(triton / "tritonserver/bin/tritonserver"), f"--backend-directory={backend.parent}"]


def _environment(triton: Path) -> dict[str, str]:
    libraries = [str(_library().parent), str(triton.parent / "nvidia_pytriton.libs")]
    libraries += filter(None, [os.environ.get("LD_LIBRARY_PATH")])
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    # The stub becomes the Python that stands first on the PATH.
    return {**os.environ, "LD_LIBRARY_PATH": os.pathsep.join(libraries), "PATH": path}


def _library() -> Path:
    """The interpreter's own library: another patch version would not fit its modules."""
    config = sysconfig.get_config_var
    return Path(config("LIBDIR") or "", config("INSTSONAME") or "")


def _await_ready(
    process: subprocess.Popen[bytes], settings: Settings, leave: threading.Event
) -> bool:
    """Wait until every model is ready; False when asked to leave before.

    Raises ProjectError when Triton ends, or takes too long.
    """
    end = time.monotonic() + START_SECONDS
    while not leave.wait(0.1):
        if process.poll() is not None:
            raise ProjectError(f"Triton ended with code {process.returncode}; see above")
        with contextlib.suppress(OSError):  # nobody listens yet, or it is not ready
            urllib.request.urlopen(f"{_url(settings)}/v2/health/ready", timeout=2).close()
            return True
        if time.monotonic() > end:
            raise ProjectError(f"Triton was not ready after {START_SECONDS} s; see above")
    return False


def follow(models: Path, settings: Settings, key: str) -> None:
    """Let Triton load a champion with other tensors; others the model takes up by itself."""
    with contextlib.suppress(ProjectError, OSError):  # the model itself complains of a store
        if repository.write_whole(models, repository.champion(settings)[1], settings):
            url = f"{_url(settings)}/v2/repository/models/{settings.name}/load"
            asked = urllib.request.Request(url, b"{}", {ADMIN: key})
            urllib.request.urlopen(asked, timeout=START_SECONDS).close()


def _end_with_us() -> None:
    """Triton ends in order when this process is killed (PR_SET_PDEATHSIG of Linux)."""
    ctypes.CDLL(None).prctl(1, signal.SIGTERM)


def _end(process: subprocess.Popen[bytes], drain_seconds: float) -> int:
    """SIGTERM, and after the time to drain the end of whatever is left."""
    if process.poll() is None:
        process.terminate()
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(drain_seconds + KILL_SECONDS)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    return process.wait()


@contextlib.contextmanager
def _signals() -> Iterator[threading.Event]:
    """An event that SIGTERM and Ctrl-C set."""
    leave = threading.Event()
    numbers = (signal.SIGTERM, signal.SIGINT)
    before = {number: signal.signal(number, lambda *_: leave.set()) for number in numbers}
    try:
        yield leave
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _url(settings: Settings) -> str:
    host = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}.get(settings.host, settings.host)
    return f"http://{f'[{host}]' if ':' in host else host}:{settings.port}"
