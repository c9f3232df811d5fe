"""Writes what monitoring found: HTML for people, JSON for programs, a text file for Prometheus."""

import html
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
from prometheus_client import CollectorRegistry, Gauge, write_to_textfile

from engine.core.storage import Storage
from engine.monitoring import drift
from engine.monitoring.alarms import NAMES, Findings

POLICY = "default-src 'none'; style-src 'unsafe-inline'"  # whatever the data hold, nothing runs
HTML, JSON, PROMETHEUS = "monitor.html", "monitor.json", "monitor.prom"

STYLE = """:root{color-scheme:light dark}
body{font:15px/1.5 system-ui,sans-serif;max-width:60em;margin:2em auto;padding:0 1em}
.soft{opacity:.75}.note{border-left:4px solid #1a7f4e;margin:.4em 0;padding:.1em .8em}
.alarm{border-color:#d1263c;font-weight:600}h2{margin-top:2em}
table{border-collapse:collapse;margin:.5em 0 1.5em}td,th{padding:.2em .9em .2em 0;text-align:left;
border-bottom:1px solid #8884;font-variant-numeric:tabular-nums}"""


def write(folder: Path, found: Findings, project: str) -> None:
    """Write every report, and take away what an earlier run said of drift."""
    folder.mkdir(parents=True, exist_ok=True)  # open: an exporter is another user
    closed = Storage(folder)  # the reports hold values of the data
    closed.write(JSON, msgspec.json.format(msgspec.json.encode(as_dict(found)), indent=2))
    write_to_textfile(str(folder / PROMETHEUS), as_metrics(found, project))
    for name in drift.OPTION.FILES:
        (folder / name).unlink(missing_ok=True)
    if found.drift_report is not None:
        found.drift_report.save(folder)
    closed.write(HTML, as_page(found).encode())


def as_dict(found: Findings) -> dict[str, Any]:
    """Everything, for a program; no value of a personal column is in it."""
    again, why = found.retrain
    live = found.performance
    return {
        "window": {"start": found.window.start.isoformat(), "end": found.window.end.isoformat()},
        "version": found.version,
        "run_id": found.run_id,
        "rows": found.window.count,
        "rows_of_other_contracts": found.window.others.total(),
        "broken_lines": found.window.broken,
        "fallback_share": found.fallback_share,
        "alarms": [vars(alarm) for alarm in found.alarms],
        "retrain": {"advised": again, "because": why},
        "inputs": [vars(check) | {"drifted": check.drifted} for check in found.checks],
        "predictions": vars(found.mix) | {"drifted": found.mix.drifted},
        "performance": vars(live)
        | {"delay": live.delay.total_seconds() if live.delay is not None else None},
    }


def as_metrics(found: Findings, project: str) -> CollectorRegistry:
    """The findings for node_exporter's textfile collector; every sample names the project."""
    books = CollectorRegistry()

    def gauge(name: str, text: str, *labels: str) -> Any:
        made = Gauge(f"monitor_{name}", text, ("project", *labels), registry=books)
        return partial(made.labels, project)

    raised = {alarm.name for alarm in found.alarms}
    alarm = gauge("alarm", "1 while monitoring raises this alarm", "alarm")
    for name in NAMES:
        alarm(name).set(name in raised)
    distance = gauge("drift_distance", "Distance to the reference", "column", "check")
    drifted = gauge("drifted", "1 when the distance is real and large", "column", "check")
    for check in found.checks:
        distance(check.column, check.what).set(check.distance)
        drifted(check.column, check.what).set(check.drifted)
    share = gauge("prediction_share", "Share of the answers, seen and expected", "part", "origin")
    for part, seen, expected in zip(
        found.mix.parts, found.mix.shares, found.mix.expected, strict=True
    ):
        share(part, "seen").set(seen)
        share(part, "expected").set(expected)
    metric = gauge(
        "performance", "The gate's metric, in real life and on the test rows", "metric", "origin"
    )
    metric(found.performance.metric, "test").set(found.performance.expected)
    if found.performance.value is not None:
        metric(found.performance.metric, "live").set(found.performance.value)
    worth = gauge("outcome_value", "Sum of the outcomes' values by what was predicted", "predicted")
    for name, value in found.performance.worth.items():
        worth(name).set(value)
    if found.performance.delay is not None:
        delay = gauge("outcome_delay_seconds", "How long half of the outcomes took")
        delay().set(found.performance.delay.total_seconds())
    gauge("rows", "Rows in the window")().set(found.window.count)
    gauge("outcomes", "Outcomes the performance rests on")().set(found.performance.rows)
    gauge("fallback_share", "Share of rows the fallback answered")().set(found.fallback_share)
    gauge("retrain", "1 when training again is advised")().set(found.retrain[0])
    gauge("last_run_timestamp_seconds", "End of the window")().set(found.window.end.timestamp())
    return books


def as_page(found: Findings) -> str:
    """One page to read, without scripts or anything from elsewhere."""
    window, live = found.window, found.performance
    checks = sorted(found.checks, key=lambda check: -check.distance)
    mix = zip(found.mix.parts, found.mix.expected, found.mix.shares, strict=True)
    parts = [
        '<!doctype html><html lang="en"><meta charset="utf-8"><title>Monitoring</title>',
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f"<style>{STYLE}</style>",
        f"<h1>Version {found.version}: {window.size}</h1>",
        f'<p class="soft">{window.start:%F %R} to {window.end:%F %R} UTC, run {found.run_id}</p>',
        *(_line(line) for line in found.lines()),
        "<h2>Inputs</h2>",
        _table(
            ("column", "check", "distance", "p", "change"),
            [(c.column, c.what, f"{c.distance:.3f}", f"{c.p:.1g}", c.detail) for c in checks],
        ),
        "<h2>Predictions</h2>",
        _table(("answer", "expected", "seen"), [(n, f"{e:.1%}", f"{s:.1%}") for n, e, s in mix]),
        "<h2>Performance by day of the prediction</h2>",
        _table(("day", "outcomes", live.metric), [tuple(day.values()) for day in live.daily]),
        "<h2>Value of the outcomes by prediction</h2>",
        _table(("predicted", "value"), list(live.worth.items())),
    ]
    return "\n".join(parts)


def _line(text: str) -> str:
    kind = "note alarm" if text.startswith("ALARM") else "note"
    return f'<p class="{kind}">{html.escape(text)}</p>'


def _table(head: tuple[str, ...], rows: list[tuple[Any, ...]]) -> str:
    if not rows:
        return "<p>nothing yet</p>"
    cells = "".join(f"<th>{html.escape(name)}</th>" for name in head)
    body = "".join(
        "<tr>" + "".join(f"<td>{html.escape(str(value))}</td>" for value in row) + "</tr>"
        for row in rows
    )
    return f"<table><tr>{cells}</tr>{body}</table>"
