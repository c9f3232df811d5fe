"""A champion that was never trained, and the log of what it answered: all that monitoring reads."""

import io
import json
import random
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pandas as pd

from engine.contract import example_rows as examples
from engine.contract.read import load_contract
from engine.core.storage import Storage
from engine.monitoring import drift as signals
from engine.registry.bundle import CONTRACT, MODEL, REFERENCE, Bundle, Manifest, write_bundle
from engine.registry.registry import Registry
from engine.training import metrics as measures

END = datetime(2026, 1, 31, 12, tzinfo=UTC)
TEST_ROWS = 2000

Answer = dict[str, Any]


def table(contract: Any, count: int, seed: int, change: Callable[..., None] | None = None) -> Any:
    """Rows as the log holds them, read back; `change` may spoil each row first."""
    return signals.logged(
        [json.dumps(row).encode() for row in rows(contract, count, seed, change)], contract
    )


def rows(
    contract: Any, count: int, seed: int, change: Callable[..., None] | None = None
) -> list[dict[str, Any]]:
    """Rows as the server logs them: without personal columns."""
    found = examples.rows(contract, count, seed)
    for row in found:
        if change:
            change(row)
        for name in contract.personal & row.keys():
            del row[name]
    return found


def answers(contract: Any, count: int, seed: int) -> list[Answer]:
    """What a model answers that finds every class, or every value up to 100, equally likely."""
    chance = random.Random(seed)
    if not contract.classes:
        return [{"value": chance.uniform(0, 100)} for _ in range(count)]
    found = []
    for _ in range(count):
        label = chance.choice(contract.classes)
        others = 0.3 / (len(contract.classes) - 1)
        shares = {name: 0.7 if name == label else others for name in contract.classes}
        found.append({"label": label, "probabilities": shares})
    return found


def truth(contract: Any, answer: Answer, chance: random.Random, luck: float = 0.8) -> Any:
    """What became of an answer: right with a chance of `luck`."""
    if not contract.classes:
        return answer["value"] + chance.gauss(0, 10 / luck)
    return answer["label"] if chance.random() < luck else chance.choice(contract.classes)


def champion(contract: Any, reference: pd.DataFrame | None = None) -> Any:
    """A verified bundle in memory, whose test rows were answered and came true as above."""
    content = io.BytesIO()
    (table(contract, 3000, seed=1) if reference is None else reference).to_parquet(content)
    return Bundle(
        contract=contract,
        manifest=_manifest(contract),
        model=b"",
        reference=content.getvalue(),
        digest="",
    )


def register(folder: Path, contract_file: Path) -> Any:
    """Make such a bundle the champion of `folder`/store; returns its contract."""
    contract = register_another(folder / "store", contract_file, "a run")
    Registry(Storage(folder / "store")).promote()
    return contract


def register_another(store: Path, contract_file: Path, run_id: str) -> Any:
    """Make such a bundle the next version; returns its contract."""
    contract = load_contract(contract_file)
    source = store.parent / f"bundle of {run_id}"
    source.mkdir(parents=True)
    made = champion(contract)
    (source / MODEL).write_bytes(b"never opened")
    (source / REFERENCE).write_bytes(made.reference)
    (source / CONTRACT).write_bytes(contract_file.read_bytes())
    manifest = msgspec.structs.replace(made.manifest, run_id=run_id)
    Registry(Storage(store)).register(source, run_id, write_bundle(source, manifest), {})
    return contract


def write(
    folder: Path,
    contract: Any,
    given: list[Answer],
    *,
    end: datetime = END,
    spread: timedelta = timedelta(hours=24),
    seed: int = 2,
    luck: float = 0.8,
    fallbacks: int = 0,
    version: int = 1,
    change: Callable[..., None] | None = None,
) -> None:
    """Log a prediction for each answer, evenly up to `end`, and the outcome of every second one."""
    chance, lines = random.Random(seed), {"predictions": "", "outcomes": ""}
    for number, row in enumerate(rows(contract, len(given), seed, change)):
        at = end - spread * ((number + 0.5) / len(given))
        record = {"id": f"p{number}", "at": at.isoformat(), "version": version, "run_id": "a run"}
        record |= {"fallback": number < fallbacks, "row": row, "answer": given[number]}
        lines["predictions"] += json.dumps(record) + "\n"
        if number % 2:
            came = {
                "id": f"p{number}",
                "at": (end - timedelta(minutes=1)).isoformat(),
                "value": 2.5,
            }
            came["outcome"] = truth(contract, given[number], chance, luck)
            lines["outcomes"] += json.dumps(came) + "\n"
    folder.mkdir(exist_ok=True)
    for kind, text in lines.items():
        (folder / f"{kind}-{end:%Y%m%d}.jsonl").write_text(text, encoding="utf-8")


def _manifest(contract: Any) -> Any:
    given, chance = answers(contract, TEST_ROWS, seed=3), random.Random(3)
    came = [truth(contract, answer, chance) for answer in given]
    if contract.classes:
        target = np.array([contract.classes.index(outcome) for outcome in came])
        scores = np.array([[a["probabilities"][name] for name in contract.classes] for a in given])
        mix = np.bincount(scores.argmax(axis=1), minlength=len(contract.classes)) / len(given)
    else:
        target, scores = np.array(came), np.array([[answer["value"]] for answer in given])
        mix = np.quantile(scores[:, 0], np.linspace(0, 1, 11))
    found = measures.metrics(contract, target, scores)
    return Manifest(
        run_id="a run",
        created=END.isoformat(),
        family="made up",
        params={},
        metrics={f"test.{name}": value for name, value in found.items()},
        fallback=[0.5],
        baseline_mix=mix.tolist(),
        contract_fingerprint=contract.fingerprint,
        data_hash="",
        versions={},
        files={},
    )
