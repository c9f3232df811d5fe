"""The end of a copy: the first commit, and what to do next."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

from copier._main import Worker

from extensions.new.first_commit import CommitError, commit


def committed(worker: Worker) -> str:
    """Make it, and say what became of it."""
    name = worker.answers.combined["project_name"]
    message = f"{name}, from copier-ml {worker.template.commit}"
    try:
        return f"First commit: {commit(worker.dst_path, message)}."
    except CommitError as problem:
        return no_commit(str(problem))


def no_commit(why: str) -> str:
    """What is said where none was made: because of an obstacle, or because none was wanted."""
    if why:
        return f"No first commit: {why}."
    return "No first commit; updates need one: git init, git add, git commit."


def ready(worker: Worker, commit: str) -> str:
    """The template's own message, with what only this machine knows."""
    extra = {"python": python(), "commit": commit}
    return worker._render_string(worker.template.message_after_copy, extra)


def python() -> str:
    """What this machine calls Python, outside of the environment that runs this."""
    own = Path(sys.executable).parent
    folders = os.environ.get("PATH", "").split(os.pathsep)
    path = os.pathsep.join(folder for folder in folders if Path(folder) != own)
    names = ("python", "py", "python3") if os.name == "nt" else ("python3", "python")
    return next((name for name in names if shutil.which(name, path=path)), names[0])
