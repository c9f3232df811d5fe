"""What a run is made from: documents, questions, contract, prompt, code, lock; and where it ran."""

import platform
import re
import subprocess
import tomllib
from importlib import metadata
from pathlib import Path

from engine.answering import prompt
from engine.contract.schema import Contract
from engine.core.settings import Settings
from engine.corpus.load import Corpus
from engine.evaluation.questions import raw
from engine.registry.runs import Inputs, hash_of
from engine.retrieval import rerank

SRC = Path(__file__).parents[2]
# Whole folders, so that nothing that decides what an index becomes can be forgotten.
STAGES = ("contract", "corpus", "retrieval", "answering", "evaluation")
CODE = ("app", *(f"engine/{stage}" for stage in STAGES))
JOBS = ("serve", "train")


def current_inputs(contract: Contract, corpus: Corpus, settings: Settings) -> Inputs:
    """What a run started now would be made from."""
    return Inputs(
        corpus=corpus.digest,
        questions=hash_of(raw(contract.questions)),
        contract=contract.fingerprint,
        prompt=hash_of(prompt.load(contract.answer.prompt)),
        code=code_hash(),
        lock=lock_hash(),
        reranker=rerank.name(settings, contract.retrieval),
    )


def code_hash(src: Path = SRC) -> str:
    """A hash of every file that decides what an index becomes."""
    files = [
        path
        for folder in CODE
        for path in sorted((src / folder).rglob("*"))
        if path.is_file() and "__pycache__" not in path.parts and "prompts" not in path.parts
    ]
    said = [f"{path.relative_to(src).as_posix()} {hash_of(path.read_bytes())}" for path in files]
    return hash_of("\n".join(said).encode())


def lock_hash(path: str = "requirements.lock") -> str:
    """A hash of the lock the environment was built from."""
    return hash_of(Path(path).read_bytes()) if Path(path).exists() else "no lock"


def libraries(path: str = "pyproject.toml") -> dict[str, str]:
    """The versions of what building asks for, by the dependency groups of the project."""
    if not Path(path).exists():
        return {}
    groups = tomllib.loads(Path(path).read_text(encoding="utf-8")).get("dependency-groups", {})
    asked = [str(need) for job in JOBS for need in groups.get(job, [])]
    names = {re.split(r"[^A-Za-z0-9._-]", need, maxsplit=1)[0] for need in asked}
    found = {name: _version(name) for name in sorted(names)}
    return {name: version for name, version in found.items() if version}


def _version(name: str) -> str:
    """The installed version; empty for what another platform needs."""
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return ""


def python_version() -> str:
    """The interpreter and the machine it runs on."""
    return f"{platform.python_version()} {platform.system()} {platform.machine()}"


def git_state() -> tuple[str, bool]:
    """The commit, and whether files differ from it; empty and True outside a git checkout."""
    try:
        commit = _git("rev-parse", "HEAD")
        return commit, bool(_git("status", "--porcelain"))
    except (OSError, subprocess.CalledProcessError):
        return "", True


def _git(*args: str) -> str:
    done = subprocess.run(["git", *args], capture_output=True, text=True, check=True)
    return done.stdout.strip()
