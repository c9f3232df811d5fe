"""Looks at what was predicted and what came of it, and raises the alarm; the verb `monitor`.

It reads the prediction log, so it serves every option that writes one. It exits with 0 when all is
quiet and with 2 when there is an alarm, so a scheduled job fails where a person should look. It
never trains: `reports/monitor.json` says under `retrain` whether to, and why.
"""

import argparse
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path

import pandas as pd
import pyarrow as pa

from engine.contract.compare import difference
from engine.contract.schema import Contract
from engine.core.errors import AlarmRaised, ProjectError, SettingsError
from engine.core.settings import load_settings
from engine.core.storage import Storage
from engine.core.terminal import paint, say
from engine.data.read import in_arrow
from engine.monitoring import drift, log, performance, prediction_drift, report
from engine.monitoring.alarms import Findings
from engine.monitoring.significance import LEAST_ROWS
from engine.monitoring.source import Source, source
from engine.registry import runs
from engine.registry.bundle import Bundle
from engine.registry.registry import Registry

UNITS = {"m": "minutes", "h": "hours", "d": "days"}


def main(argv: list[str]) -> int:
    """Compare what was predicted with training, and with what came true."""
    parser = argparse.ArgumentParser(prog="run.py monitor", description=main.__doc__)
    parser.add_argument("--since", default="24h", help="how far to look back: 90m, 24h, 7d")
    parser.add_argument(
        "--report", default="reports", help="folder for HTML, JSON and monitor.prom"
    )
    parser.add_argument(
        "--log",
        nargs="+",
        default=[],
        metavar="FILE",
        help="read standard output that a platform collected (prediction_log = -), not the log of "
        "the settings: lines, JSON of CloudWatch or Cloud Logging, also .gz",
    )
    options = parser.parse_args(argv[1:])
    config, end = load_settings(), datetime.now(UTC)
    logged = source(config.prediction_log, options.log)
    storage = Storage(config.store)
    registry = Registry(storage)
    version, bundle = registry.load()
    found = look(
        logged,
        end - span(options.since),
        end,
        version,
        bundle,
        rows_tested(storage, bundle),
        comparable(registry, version, bundle.contract),
    )
    window = found.window
    if window.others:
        names = ", ".join(map(str, sorted(window.others)))
        say(
            f"{window.others.total()} rows were answered under another contract, by version {names}"
            f": they cannot be compared with version {version} and were left out"
        )
    if not window.count:
        print(f"nothing to look at: no predictions in {logged.name} in the last {options.since}")
        return 0
    report.write(Path(options.report), found, config.name)
    print(f"version {version}, {window.size} in the last {options.since}")
    if window.broken:
        print(f"{window.broken} lines of the log are broken and were left out")
    print(
        "\n".join([*map(_painted, found.lines()), f"report: {Path(options.report) / report.HTML}"])
    )
    if found.alarms:
        raise AlarmRaised(found.summary())
    return 0


def _painted(line: str) -> str:
    """A line of the findings, its alarm in red."""
    word = "ALARM"
    return paint(word, "bad") + line.removeprefix(word) if line.startswith(word) else line


def look(
    logged: Source,
    start: datetime,
    end: datetime,
    version: int,
    bundle: Bundle,
    test_rows: int,
    fits: Callable[[int], bool] = lambda _: True,
) -> Findings:
    """Everything about the predictions from `start` to `end`.

    `version` and `bundle` are the champion, `test_rows` how many rows its metrics rest on; `fits`
    says which other versions answer the same question.
    """
    contract, manifest = bundle.contract, bundle.manifest
    window = log.window(logged, start, end, version, fits)
    reference = pd.read_parquet(pa.BufferReader(in_arrow(bundle.reference)))
    checks, drawn = drift.compare(reference, drift.logged(window.rows, contract), contract)
    mix = prediction_drift.compare(window, contract, manifest.baseline_mix, test_rows)
    outcomes = log.outcomes(logged, end)
    known = log.predictions(logged, outcomes)
    pairs = [(p, outcomes[p.id]) for p in known if fits(p.version)]
    expected = manifest.metrics.get(f"test.{contract.gates.metric}", float("nan"))
    lived = performance.measure(contract, pairs, window, version, expected, test_rows)
    return Findings(window, version, manifest.run_id, checks, mix, lived, drawn)


def comparable(registry: Registry, champion: int, contract: Contract) -> Callable[[int], bool]:
    """Says of a version whether its rows are those of the champion's contract.

    A version that is not in the registry any more, or damaged, is taken for another: nobody knows.
    """

    @cache
    def fits(version: int) -> bool:
        if version == champion:
            return True
        try:
            return not difference(registry.load(version)[1].contract, contract)
        except ProjectError:
            return False

    return fits


def rows_tested(storage: Storage, bundle: Bundle) -> int:
    """How many test rows the champion's metrics rest on; if its run record is gone, few."""
    try:
        return max(runs.load(storage, bundle.manifest.run_id).rows["test"], 1)
    except (ProjectError, KeyError):
        return LEAST_ROWS


def span(text: str) -> timedelta:
    """A duration such as 90m, 24h or 7d.

    Raises SettingsError for anything else.
    """
    match = re.fullmatch(r"([1-9]\d{0,4})([mhd])", text)
    if not match:
        raise SettingsError(f"--since is {text!r}; it must be a number with m, h or d, such as 24h")
    return timedelta(**{UNITS[match[2]]: int(match[1])})
