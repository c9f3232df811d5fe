"""Ask a running server: for the rows of a file, or for a row made up from the contract."""

import argparse
import sys
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec

from engine.contract import example_rows
from engine.contract.read import load_contract
from engine.contract.schema import Column, Contract
from engine.core.errors import DataError, ProjectError
from engine.core.settings import Settings, load_settings
from engine.features.lookup import example_keys
from engine.serving.client import Client, ClientError, Predictions, RejectedError, UnavailableError

FIRST_ROW = 2  # rows are numbered as in the file, whose header is row 1
SHOWN = 5  # problems
Rows = list[dict[str, Any]]


def main(argv: list[str]) -> int:
    """Send rows to the running server and print its answers."""
    config = load_settings()
    parser = argparse.ArgumentParser(prog="run.py predict", description=main.__doc__)
    parser.add_argument(
        "file", nargs="?", type=Path, help='CSV or Parquet, or JSON: {"rows": [{column: value}]}'
    )
    parser.add_argument("--explain", action="store_true", help="say what moved each prediction")
    parser.add_argument("--url", default=f"http://{config.host}:{config.port}")
    options = parser.parse_args(argv[1:])
    contract = load_contract()
    rows, is_table = _rows(options.file, config, contract)
    try:
        with Client(options.url, api_key=config.api_key) as client:
            if is_table:
                _require_same(client.about(), contract, options.url)
            answers = _ask(client, rows, config, explain=options.explain)
    except UnavailableError as error:
        raise ProjectError(f"{error}; start the server with: python3 run.py serve") from None
    except ClientError as error:
        raise ProjectError(f"{options.url} refused: {error}") from None
    sys.stdout.write(msgspec.json.format(msgspec.json.encode(answers), indent=2).decode() + "\n")
    return 0


def _rows(path: Path | None, config: Settings, contract: Contract) -> tuple[Rows, bool]:
    """The rows to be asked for, and whether they hold the columns of the contract."""
    if path is None:
        return example_rows.requests(contract, keys=example_keys(contract, config)), True
    return read(path, contract)


def _require_same(served: dict[str, Any], contract: Contract, url: str) -> None:
    """Refuse to ask a model of another contract: it would refuse each column, or answer wrongly."""
    own, target = [*contract.features], contract.dataset.target
    if served.get("target") == target and sorted(served.get("features", own)) == sorted(own):
        return
    what = "from other columns" if served.get("target") == target else repr(served.get("target"))
    raise ProjectError(
        f"version {served.get('version')} at {url} was made under another contract: it predicts "
        f"{what}, contract.toml {target!r}; make a version of this contract: python3 run.py up"
    )


def _ask(client: Client, rows: Rows, config: Settings, *, explain: bool) -> Predictions:
    """Answers to all rows, asked for in requests of a size that the server takes."""
    found: list[Predictions] = []
    for start, some in _portions(rows, config, explain=explain):
        try:
            found.append(client.predict(some, explain=explain))
        except RejectedError as error:
            raise _in_file(error, start) from None
    if len({answer.run_id for answer in found}) > 1:
        raise ProjectError("another version was promoted between two requests; ask again")
    whole = [prediction for answer in found for prediction in answer.predictions]
    return msgspec.structs.replace(found[0], predictions=whole)


def _portions(rows: Rows, config: Settings, *, explain: bool) -> Iterator[tuple[int, Rows]]:
    """The rows in portions, each with the place of its first."""
    widest = max(len(msgspec.json.encode(row)) for row in rows)
    most = config.explain_rows if explain else min(config.request_rows, config.batch_rows)
    size = max(1, min(most, config.body_bytes // (widest + 2) - 1))
    for start in range(0, len(rows), size):
        yield start, rows[start : start + size]


def _in_file(error: RejectedError, start: int) -> ProjectError:
    """What a server refuses, with the numbers that rows have in the file."""
    problems = [problem for problem in error.problems if problem.row is not None]
    if not problems:
        return ProjectError(str(error))
    lines = [
        f"row {start + problem.row + FIRST_ROW}: {problem.detail.partition(': ')[2]}"
        for problem in problems[:SHOWN]
        if problem.row is not None
    ]
    more = [f"and {len(problems) - SHOWN} more"] if len(problems) > SHOWN else []
    return DataError("the server refuses rows of the file:\n" + "\n".join([*lines, *more]))


def read(path: Path, contract: Contract) -> tuple[Rows, bool]:
    """The rows of a file as a request holds them, and whether it is a table: or JSON, as a body is.

    Columns that a request does not hold, such as the target, are left out of a table. Raises
    DataError when the file cannot be read.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror}") from None
    if path.suffix.lower() != ".json" and not content.lstrip().startswith(b"{"):
        return _table(path, contract), True
    try:
        return msgspec.json.decode(content, type=dict[str, Rows])["rows"], False
    except (msgspec.DecodeError, UnicodeDecodeError, KeyError) as error:
        raise DataError(
            f'{path} is JSON but not {{"rows": [{{column: value}}]}}, as a request is: {error}'
        ) from None


def _table(path: Path, contract: Contract) -> Rows:
    from engine.data.read import read_rows  # an image that serves has no pandas

    frame = read_rows(str(path), contract, with_target=False)
    if frame.empty:
        raise DataError(f"{path} has columns but no rows")
    columns = contract.sent
    return [
        {name: _sent(value, columns[name]) for name, value in zip(columns, row, strict=True)}
        for row in frame[[*columns]].astype(object).itertuples(index=False)
    ]


def _sent(value: Any, column: Column) -> Any:
    """A typed value as JSON has it; one that could not be typed is left for the server to name."""
    if value is None or value != value:
        return None
    if isinstance(value, datetime):
        return f"{value.isoformat()}Z"
    return bool(value) if column.type == "boolean" and isinstance(value, float) else value
