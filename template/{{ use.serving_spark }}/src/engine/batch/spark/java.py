"""The Java that Spark works in: found, started, and what it said.

It says much while it starts and works. All of it goes to the file of the setting `spark_log`;
without one, only the reason of a failure is shown.
"""

import atexit
import functools
import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import IO, Any

from engine.core.errors import SettingsError

OLDEST = 17
END_SECONDS = 20
WAY_OUT = (
    f"Spark needs Java {OLDEST} or newer. Install one (Debian: apt-get install"
    " default-jre-headless; macOS: brew install openjdk; Windows: winget install"
    " EclipseAdoptium.Temurin.21.JRE) or set JAVA_HOME to it"
)
_started: list[Any] = []


def require() -> None:
    """Raise SettingsError, with what to do, when there is no Java or only an older one."""
    home = os.environ.get("JAVA_HOME")
    java = str(Path(home) / "bin" / "java") if home else shutil.which("java") or "java"
    try:
        told = subprocess.run([java, "-version"], capture_output=True, text=True, timeout=60)
    except (OSError, subprocess.TimeoutExpired):
        where = f"JAVA_HOME is {home}, where no Java runs" if home else "there is no Java"
        raise SettingsError(f"{where}. {WAY_OUT}") from None
    found = re.search(r'version "(?:1\.)?(\d+)', told.stderr)
    if told.returncode or not found:  # macOS has a program of this name that says where to get one
        raise SettingsError(f"{java} is no Java that runs. {WAY_OUT}")
    if int(found[1]) < OLDEST:
        raise SettingsError(f"{java} is Java {found[1]}. {WAY_OUT}")


def start(options: Any, log: IO[str]) -> Any:
    """Start it, once for all sessions of this process; it ends with the process, however that ends.

    It reads its standard input, which the system closes when the process is gone.
    """
    from pyspark import java_gateway

    launch: Any = java_gateway.launch_gateway  # it has no types
    if not _started:
        _started.append(launch(options, {"stdout": log, "stderr": log}))
        atexit.register(_end, _started[0].proc)
    return _started[0]


def _end(process: "subprocess.Popen[bytes]") -> None:
    """Let it tidy up, so that nothing of it is left when a verb is over."""
    if process.stdin:
        process.stdin.close()
    try:
        process.wait(END_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


@functools.cache
def log(path: str) -> IO[str]:
    """The file for what it says, at `path` or nowhere that anybody sees."""
    return Path(path).open("a+") if path else tempfile.TemporaryFile("a+")
