"""Hand in what became of predictions; the verb `outcomes`. `monitor` measures the model by them."""

import argparse
import hashlib
from datetime import UTC, datetime

import msgspec
import pandas as pd

from engine.batch import job as jobs
from engine.batch.input.file import InputFile
from engine.contract.read import load_contract
from engine.contract.schema import Contract, to_text
from engine.core.errors import DataError, SettingsError
from engine.core.settings import load_settings

COLUMNS = ("prediction_id", "outcome")


def main(argv: list[str]) -> int:
    """Take outcomes from a CSV or Parquet file that names predictions."""
    parser = argparse.ArgumentParser(prog="run.py outcomes", description=main.__doc__)
    parser.add_argument(
        "file", help="columns: prediction_id, outcome, and if you like value, what it was worth"
    )
    options = parser.parse_args(argv[1:])
    config = load_settings()
    log, now = jobs.log_of(config), datetime.now(UTC)
    if log is None:
        raise SettingsError("prediction_log is empty, so outcomes are not kept; name a folder")
    lines = read(options.file, load_contract())
    name = hashlib.sha256(b"".join(lines)).hexdigest()[:16]
    if any(known.endswith(f"-{name}.jsonl") for known in log.list()):
        print(f"nothing to do: these {len(lines)} outcomes were handed in before")
        return 0
    stamp = f'"at":"{now.isoformat()}",'.encode()
    log.write(
        f"outcomes-{now:%Y%m%d}-{name}.jsonl",
        b"".join(b"{" + stamp + line[1:] + b"\n" for line in lines),
    )
    print(f"{len(lines)} outcomes handed in; look at them with: python3 run.py monitor")
    return 0


def read(source: str, contract: Contract) -> list[bytes]:
    """The outcomes of a file as JSON without their time.

    Raises DataError naming the first row whose outcome is no class or no number.
    """
    file = InputFile(source)
    with file.open() as stream:
        is_parquet = stream.read(4) == b"PAR1"
        stream.seek(0)
        if is_parquet:
            frame = pd.read_parquet(stream)
        else:
            frame = pd.read_csv(stream, dtype=str, sep=contract.dataset.separator)
    if absent := [name for name in COLUMNS if name not in frame]:
        raise DataError(f"{source} has no column {', '.join(absent)}; it has {list(frame)}")
    found = []
    for number, row in enumerate(frame.to_dict("records"), 2):
        record = {"id": str(row["prediction_id"]), "outcome": _outcome(row["outcome"], contract)}
        if record["outcome"] is None:
            asked = f"one of {', '.join(contract.classes)}" if contract.classes else "a number"
            raise DataError(f"{source}: row {number}: the outcome is {row['outcome']}; not {asked}")
        if "value" in frame and not pd.isna(row["value"]):
            record["value"] = float(row["value"])
        found.append(msgspec.json.encode(record))
    return found


def _outcome(value: object, contract: Contract) -> str | float | None:
    if contract.classes:
        return to_text(value) if to_text(value) in contract.classes else None
    try:
        return float(str(value))
    except ValueError:
        return None
