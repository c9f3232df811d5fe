"""The verb `monitor`: what was asked and answered lately, and whether a person should look."""

import argparse
import re
from collections import Counter
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from engine.contract.read import load_contract
from engine.contract.schema import Contract
from engine.core.errors import AlarmRaised, DataError, SettingsError
from engine.core.settings import load_settings
from engine.core.storage import Storage
from engine.core.terminal import say
from engine.corpus import load as corpora
from engine.monitoring import alarms, log
from engine.monitoring.alarms import Alarm
from engine.monitoring.clusters import clusters
from engine.monitoring.source import source
from engine.registry.bundle import Bundle
from engine.registry.registry import Registry

UNITS = {"m": "minutes", "h": "hours", "d": "days"}
SHOWN = 5  # clusters


def main(argv: list[str]) -> int:
    """Compare what was asked and answered with the time before, and say what to look at."""
    parser = argparse.ArgumentParser(prog="run.py monitor", description=main.__doc__)
    parser.add_argument("--since", default="24h", help="how far to look back: 90m, 24h, 7d")
    parser.add_argument("--report", default="reports", help="folder for monitor.json")
    parser.add_argument(
        "--log",
        nargs="+",
        default=[],
        metavar="FILE",
        help="read standard output that a platform collected (prediction_log = -), not the log of "
        "the settings: lines, JSON of CloudWatch or Cloud Logging, also .gz",
    )
    options = parser.parse_args(argv[1:])
    config, contract, end = load_settings(), load_contract(), datetime.now(UTC)
    logged = source(config.prediction_log, options.log)
    window = log.read(logged, end - span(options.since), end)
    version, bundle = Registry(Storage(config.store)).load()
    refused = [r["row"].get("question", "") for r in window.answers if r["answer"].get("refused")]
    alike = clusters([question for question in refused if question])
    found = [
        alarms.refusals(window),
        alarms.scores(window),
        alarms.fallbacks(window),
        alarms.latency(window),
        alarms.cost(window),
        alarms.steering(window),
        alarms.personal(window, contract.guard.personal_data),
        alarms.feedback(window),
        alarms.unanswered(alike),
        *documents(contract, bundle, end.date()),
    ]
    raised = [alarm for alarm in found if alarm]
    votes, earlier = (
        [bool(row.get("helpful")) for row in rows]
        for rows in (window.feedback, window.feedback_before)
    )
    usage = [row["answer"].get("usage", {}) for row in window.answers]
    costs = [row["answer"].get("cost") for row in window.answers]
    told = {
        "from": end - span(options.since),
        "to": end,
        "version": version,
        "answers": len(window.answers),
        "refused": len(refused),
        "before": len(window.before),
        "feedback": {"helpful": sum(votes), "not helpful": len(votes) - sum(votes)},
        "feedback_before": {"helpful": sum(earlier), "not helpful": len(earlier) - sum(earlier)},
        "reasons": Counter(
            row["answer"].get("reason") or "not said"
            for row in window.answers
            if row["answer"].get("refused")
        ),
        "cached": sum(bool(row["answer"].get("cached")) for row in window.answers),
        "guard": Counter(f for row in window.answers for f in row["answer"].get("guard", ())),
        "took_ms": quantiles(window.answers),
        "tokens": sum(sum(count or 0 for count in each.values()) for each in usage),
        "cost": round(sum(cost["amount"] for cost in costs if cost), 6),
        "unanswered": [{"questions": many, "like": like} for many, like in alike[:SHOWN]],
        "broken_lines": window.broken,
        "alarms": [{"name": alarm.name, "said": alarm.said} for alarm in raised],
    }
    folder = Path(options.report)
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "monitor.json"
    path.write_bytes(msgspec.json.format(msgspec.json.encode(told), indent=2))
    say(
        f"version {version}: {told['answers']} answers, {told['refused']} of them refusals, "
        f"{len(votes)} votes ({sum(votes)} helpful); {path}"
    )
    for many, like in alike[:SHOWN]:
        say(f"  refused {many} x: {like}")
    if raised:
        lines = [
            f"- {a.name}: {a.said} (docs/runbook-monitoring.md#{a.name.lower()})" for a in raised
        ]
        raise AlarmRaised("a person should look:\n" + "\n".join(lines))
    return 0


def quantiles(answers: list[dict[str, Any]]) -> dict[str, float]:
    """The median and the 99th percentile of the time that answers took; nothing where none says."""
    took = [row["answer"]["took_ms"] for row in answers if "took_ms" in row["answer"]]
    if not took:
        return {}
    p50, p99 = (round(float(value), 1) for value in np.quantile(took, (0.5, 0.99)))
    return {"p50": p50, "p99": p99}


def documents(contract: Contract, bundle: Bundle, today: date) -> list[Alarm | None]:
    """Whether the champion knows the documents of now, and whether these are old."""
    try:
        corpus = corpora.load(contract)
    except DataError:  # where answers are watched, the documents need not be
        return []
    behind = stale = None
    if corpus.digest != bundle.manifest.corpus_hash:
        said = "the documents differ from those that the champion was built from"
        behind = Alarm("IndexBehindDocuments", said)
    oldest = today - timedelta(days=contract.corpus.stale_days)
    old = [d.name for d in corpus.documents if d.changed and d.changed < oldest.isoformat()]
    if old:
        said = f"{len(old)} documents are older than {contract.corpus.stale_days} days: {old[0]}"
        stale = Alarm("StaleDocuments", said)
    return [behind, stale]


def span(text: str) -> timedelta:
    """90m, 24h or 7d as a span of time.

    Raises SettingsError for anything else.
    """
    found = re.fullmatch(r"([1-9]\d{0,5})([mhd])", text)
    if not found:
        raise SettingsError(f"--since {text!r} must be a number with m, h or d, such as 24h")
    return timedelta(**{UNITS[found[2]]: int(found[1])})
