"""The verb `load`: ask the running server many times, and hold its answers against the contract.

    python3 run.py load                          at the busiest moment that was answered at the copy
    python3 run.py load --rate 200 --seconds 60  so many requests per second
    python3 run.py load --concurrency 16         as fast as 16 callers get their answers

The rows are made up from the contract, and the server logs its predictions like any others: start
one for it with an empty APP_PREDICTION_LOG, or `monitor` sees drift. Ends with code 3 if the
99th percentile is over `p99_ms`; a request that failed, or that the fallback answered, counts as
one whose answer never came.
"""

import argparse
import asyncio
import re
import sys
from pathlib import Path

import msgspec

from engine.contract import example_rows
from engine.contract.read import load_contract
from engine.core.errors import GateFailed, ProjectError, SettingsError, shown
from engine.core.settings import load_settings
from engine.features.lookup import example_keys
from engine.serving.client import Client, ClientError

from .drive import MOST, Measured, Target, at_rate, one_after_another

ANSWERS = Path(".copier-answers.yml")
BODIES = 500  # different requests; then they come again
BUSY = 0.25  # of the budget: a program that is later than that measures itself


def main(argv: list[str]) -> int:
    """Load the server for some seconds, print what came back, and say whether it is enough."""
    options = _options(argv)
    settings, contract = load_settings(), load_contract()
    url = options.url or f"http://{settings.host}:{settings.port}"
    try:
        with Client(url, api_key=settings.api_key, deadline=5) as client:
            version = client.about()["version"]
    except ClientError as error:
        raise ProjectError(f"{error}; start the server with: python3 run.py serve") from None
    keys = example_keys(contract, settings)
    made = example_rows.requests(contract, BODIES * options.rows, keys=keys)
    rows = [made[at : at + options.rows] for at in range(0, len(made), options.rows)]
    bodies = [msgspec.json.encode({"rows": some}) for some in rows]
    headers = {"X-API-Key": settings.api_key} if settings.api_key else {}

    async def drive() -> Measured:
        target = Target(url, bodies, headers)
        if options.concurrency:
            return await one_after_another(target, options.concurrency, options.seconds)
        return await at_rate(target, options.rate, options.seconds)

    how = (
        f"{options.concurrency} callers" if options.concurrency else f"{options.rate:g} per second"
    )
    print(f"{how}, {options.seconds:g} s, {_rows(options.rows)}: version {version}, {url}")
    sys.stdout.flush()
    measured = asyncio.run(drive())
    print(table(measured))
    if settings.prediction_log:
        print(
            "these rows are made up; if the server logged them, monitor will see drift: load one "
            "that was started with an empty APP_PREDICTION_LOG"
        )
    judge(measured, contract.gates.p99_ms)
    return 0


def _options(argv: list[str]) -> argparse.Namespace:
    """What is asked for; the rate is by default the busiest moment that was answered."""
    parser = argparse.ArgumentParser(
        prog="run.py load",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    kind = parser.add_mutually_exclusive_group()
    kind.add_argument("--rate", type=float, help="requests per second (default: peak_rps)")
    kind.add_argument("--concurrency", type=int, help="callers that each wait for their answer")
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--rows", type=int, default=1, help="in each request")
    parser.add_argument("--url", help="default: where this project serves")
    options = parser.parse_args(argv)
    asked = [options.rate, options.concurrency, options.seconds, options.rows]
    if any(value is not None and not 0 < value < float("inf") for value in asked):
        raise SettingsError("--rate, --concurrency, --seconds and --rows must be above 0")
    if (options.concurrency or 0) > MOST:
        raise SettingsError(f"--concurrency {options.concurrency}: at most {MOST}")
    if not options.rate and not options.concurrency:
        text = ANSWERS.read_text(encoding="utf-8") if ANSWERS.exists() else ""
        answered = re.search(r"(?m)^peak_rps: (\d+)$", text)
        if not answered:
            raise SettingsError(f"{ANSWERS} has no peak_rps; say --rate or --concurrency")
        options.rate = float(answered[1])
    return options


def table(measured: Measured) -> str:
    """What came back, in lines of a name and its figures."""
    count = len(measured.latencies)
    at = {name: measured.percentile(share) for name, share in (("p50", 0.5), ("p99", 0.99))}
    at["max"] = max(measured.latencies)
    codes = ", ".join(f"{code}: {n}" for code, n in sorted(measured.statuses.items())) or "none"
    lines = {
        "requests": f"{count} in {measured.seconds:.1f} s, {count / measured.seconds:.1f} a second",
        "latency": ", ".join(f"{name} {_ms(seconds)}" for name, seconds in at.items()),
        "answers": codes,
        "fallback": str(measured.fallbacks),
        "no answer": "; ".join(f"{n} x {said}" for said, n in measured.errors.items()) or "0",
    }
    return "\n".join(f"{name:<10} {said}" for name, said in lines.items())


def judge(measured: Measured, budget_ms: float) -> None:
    """Say whether the budget was kept; GateFailed, with what broke it, if not."""
    p99 = measured.percentile(0.99)
    said = f"p99 {_ms(p99)}, and p99_ms in contract.toml is {budget_ms:g}"
    late = sorted(measured.late)[-1 - len(measured.late) // 100] if measured.late else 0.0
    if late * 1000 > BUSY * budget_ms:
        said += (
            f"; {_ms(late)} of it may be this program's own, which was late with its requests: "
            "this machine is busy, so ask for less, or from another one"
        )
    if measured.failed:
        count = len(measured.latencies)
        said += f"; {measured.failed} of {count} requests got no answer of the model"
    if p99 * 1000 > budget_ms:
        raise GateFailed(f"over the budget: {said}. What may be done: docs/runbook-serving.md")
    print(f"within the budget: {said}")


def _rows(count: int) -> str:
    return "a row each" if count == 1 else f"{count} rows each"


def _ms(seconds: float) -> str:
    return "never" if seconds == float("inf") else f"{seconds * 1000:.1f} ms"


if __name__ == "__main__":
    sys.exit(shown("load", lambda: main(sys.argv[1:])))
