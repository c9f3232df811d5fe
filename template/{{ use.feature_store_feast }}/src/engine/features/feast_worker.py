"""Feast, in an environment and a process of its own: its packages cannot share this one.

One worker serves a whole process of ours; it ends when its stdin is closed.
"""

import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import msgspec

from engine.core.errors import StorageError

RUN = Path(__file__).parents[3] / "run.py"


class FeastWorker:
    """Asks Feast, one question at a time; starts it when it is needed and not there."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None

    def ask(self, do: str, **details: Any) -> Any:
        """What Feast answers for the project in the present folder.

        Raises StorageError with Feast's own words when it cannot.
        """
        question = {"do": do, "folder": str(Path.cwd()), **details}
        with self._lock:
            reply = self._exchange(msgspec.json.encode(question) + b"\n")
        if not reply:
            raise StorageError("Feast ended without an answer; what it said stands above")
        answer = msgspec.json.decode(reply)
        if "error" in answer:
            raise StorageError(f"Feast: {answer['error']}")
        return answer["found"]

    def _exchange(self, line: bytes) -> bytes:
        if self._process is None or self._process.poll() is not None:
            if not RUN.exists():
                raise StorageError(
                    "Feast is not installed here. A server takes the address of a feature server, "
                    "feature_store in settings.toml or APP_FEATURE_STORE; training and batches run "
                    "where run.py and feature_repo/ are"
                )
            with_bytecode = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
            self._process = subprocess.Popen(
                [sys.executable, str(RUN), "feast", "--worker"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                env=with_bytecode,  # compiling Feast anew takes ten seconds each time
            )
        stdin, stdout = self._process.stdin, self._process.stdout
        if stdin is None or stdout is None:
            return b""
        try:
            stdin.write(line)
            stdin.flush()
        except BrokenPipeError:
            return b""
        return stdout.readline()


worker = FeastWorker()
