"""Repeat a run and say whether the artifact is the same, bit for bit."""

import tempfile
from pathlib import Path

import msgspec

from engine.contract.read import load_contract
from engine.core.errors import RunError
from engine.core.storage import Storage
from engine.registry import runs
from engine.registry.bundle import CONTRACT
from engine.registry.inputs import current_inputs
from engine.training import train

WHAT = {
    "data": "the data ({source} has changed since)",
    "contract": "the contract (this release of the engine reads it otherwise)",
    "code": "the code (a module that decides what a model becomes was edited)",
    "lock": "the lock (requirements.lock has changed, so other libraries are installed)",
    "params": "the hyperparameters",
    "seed": "the seed",
}


def reproduce(storage: Storage, run_id: str, seed: int | None = None) -> list[str]:
    """Repeat a run with its own contract, hyperparameters and seed, not with what is there now.

    An empty list means that every artifact is the same, bit for bit; otherwise it names the files
    that differ and which of the inputs are no longer the same.
    """
    record = runs.load(storage, run_id)
    with tempfile.TemporaryDirectory() as kept, tempfile.TemporaryDirectory() as scratch:
        path = Path(kept) / CONTRACT
        path.write_bytes(_contract(storage, run_id))
        contract = load_contract(path)
        now = current_inputs(contract)
        inputs = msgspec.structs.replace(
            now, params=record.inputs.params, seed=record.inputs.seed if seed is None else seed
        )
        again, _ = train.build(contract, inputs, Path(scratch), None, path)
    files = [name for name, digest in record.files.items() if again.files.get(name) != digest]
    if not files:
        return []
    causes = [
        text.format(source=record.source)
        for name, text in WHAT.items()
        if getattr(record.inputs, name) != getattr(inputs, name)
    ]
    if record.python != again.python or record.versions != again.versions:
        causes.append(f"the interpreter or a library: {record.python} then, {again.python} now")
    return [
        f"differs: {', '.join(files)}",
        *(f"because of {cause}" for cause in causes or ["nothing that is recorded"]),
    ]


def _contract(storage: Storage, run_id: str) -> bytes:
    """The contract that a run was made under, as its bundle holds it."""
    name = f"runs/{run_id}/bundle/{CONTRACT}"
    if not storage.exists(name):
        raise RunError(
            f"{storage.url}/{name} is missing; without its contract, the run cannot be repeated"
        )
    return storage.read(name)
