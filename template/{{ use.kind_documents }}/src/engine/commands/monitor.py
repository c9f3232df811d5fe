"""The verb `monitor`: what was asked and answered lately, and whether a person should look."""

import argparse
import re
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import msgspec

from engine.contract.read import load_contract
from engine.contract.schema import Contract
from engine.core.errors import AlarmRaised, ContractError, DataError, SettingsError
from engine.core.settings import load_settings
from engine.core.storage import Storage
from engine.core.terminal import say
from engine.corpus import load as corpora
from engine.monitoring import alarms, judged, judgements, log, report
from engine.monitoring.alarms import Alarm
from engine.monitoring.clusters import clusters
from engine.monitoring.source import source
from engine.registry.bundle import Bundle
from engine.registry.registry import Registry

UNITS = {"m": "minutes", "h": "hours", "d": "days"}


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
    parser.add_argument(
        "--judge",
        type=int,
        default=0,
        metavar="N",
        help="let the judge of the contract look at N answers, and at N of before where fewer are "
        "judged: at most 2 N calls, none for an answer that it saw already",
    )
    options = parser.parse_args(argv[1:])
    config, contract, end = load_settings(), load_contract(), datetime.now(UTC)
    start = end - span(options.since)
    window = log.read(source(config.prediction_log, options.log), start, end)
    store = Storage(config.store)
    version, bundle = Registry(store).load()
    refused = [r["row"].get("question", "") for r in window.answers if r["answer"].get("refused")]
    alike = clusters([question for question in refused if question])
    _require_judge(options.judge, contract)
    quality = None
    if options.judge:
        quality = judged.judge(store, contract.judge, config, window, start, options.judge)
    elif contract.judge.model:
        quality = judgements.load(store, contract.judge)
    found = [
        alarms.refusals(window),
        alarms.scores(window),
        alarms.fallbacks(window),
        alarms.latency(window),
        alarms.cost(window),
        alarms.steering(window),
        alarms.personal(window, contract.guard.personal_data),
        alarms.feedback(window),
        alarms.helpful(window),
        alarms.judged(*quality.good(start, end)) if quality else None,
        alarms.unanswered(alike),
        *documents(contract, bundle, end.date()),
    ]
    raised = [alarm for alarm in found if alarm]
    everything = report.Found(version, start, end, window, alike, quality, raised)
    told = report.summary(everything)
    path = Path(options.report, "monitor.json")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(msgspec.json.format(msgspec.json.encode(told), indent=2))
    for line in report.lines(everything, told, path):
        say(line)
    if raised:
        lines = [
            f"- {a.name}: {a.said} (docs/runbook-monitoring.md#{a.name.lower()})" for a in raised
        ]
        raise AlarmRaised("a person should look:\n" + "\n".join(lines))
    return 0


def _require_judge(many: int, contract: Contract) -> None:
    if many < 0:
        raise SettingsError(f"--judge {many} must be how many answers are judged, such as 50")
    if many and not contract.judge.model:
        raise ContractError(
            f"--judge {many}: contract.toml names no judge; set `model` under [judge], and "
            "judge_url or llm_url in settings.toml"
        )


def documents(contract: Contract, bundle: Bundle, today: date) -> list[Alarm | None]:
    """Whether the champion knows the documents of now, and whether these are old."""
    try:
        corpus = corpora.load(contract)
    except DataError as error:  # where answers are watched, the documents need not be
        say(f"  the documents are not compared with the index: {str(error).splitlines()[0]}")
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
