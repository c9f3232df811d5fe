"""The verb `data`: look at the data before anything is fitted, as one HTML page."""

import argparse
import sys
from datetime import datetime
from functools import partial
from importlib import resources
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from jinja2 import Environment

from engine.contract.read import load_contract
from engine.contract.schema import Contract
from engine.core.errors import DataError, shown
from engine.core.storage import Storage
from engine.data import sample
from engine.data.checks import check_rows
from engine.data.read import own_rows
from engine.data.signs import copies
from engine.data.signs.leaks import find_leaks
from engine.data.signs.proxies import proxies
from engine.data.source import called
from engine.data.split import Split, labelled, moments_of, split_rows
from engine.features.lookup import complete
from tools.report.describe import Bar, asked, rates, views
from tools.report.drawing import HEIGHT, WIDTH, drawn, say, share

DEFAULT = "reports/data.html"


class Signs(NamedTuple):
    """What the rows give away that a person should look at."""

    leaks: list[str]
    proxies: list[str]
    rest: str
    """What was looked for and is no reason to worry, or why nothing could be looked for."""


def main(argv: list[str]) -> int:
    """Report on the data as one HTML page, or make the sample data."""
    parser = argparse.ArgumentParser(prog="run.py data", description=main.__doc__)
    verbs = parser.add_subparsers(dest="verb", required=True)
    report = verbs.add_parser("report", help="write one HTML page about the data")
    report.add_argument("--out", default=DEFAULT, help="where to write (default: %(default)s)")
    verbs.add_parser("sample", help="make the sample data")
    options = parser.parse_args(argv[1:])
    contract = load_contract()
    sample.ensure(contract)
    if options.verb == "sample":
        print(f"{contract.dataset.origin} is there")
        return 0
    page = render(complete(own_rows(contract), contract), contract)
    out = Path(options.out)
    out.parent.mkdir(parents=True, exist_ok=True)  # open: what `monitor` leaves there has readers
    Storage(out.parent).write(out.name, page.encode())
    print(f"{out} ({len(page) / 1000:.0f} kB): open it in a browser")
    return 0


def render(frame: pd.DataFrame, contract: Contract) -> str:
    """The whole page; it loads nothing from anywhere, and shows no value of a personal column."""
    known = labelled(frame, contract)
    rate = rates(known, contract)
    shown = views(frame, contract)
    environment = Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True)
    text = (resources.files("tools.report") / "page.html").read_text(encoding="utf-8")
    parts, signs = _parts(known, contract)
    return environment.from_string(text).render(
        contract=contract,
        rows=len(frame),
        labelled=len(known),
        copies=copies.repeated(frame, contract),
        gaps=float(frame[[*contract.features]].isna().to_numpy().mean()),
        faults=_faults(frame, contract),
        signs=signs,
        aside=[n for n, c in contract.columns.items() if c.known_at == "outcome"],
        parts=parts,
        asked=asked(known, contract) if contract.classes else "",
        classes=known[contract.dataset.target].value_counts() if contract.classes else None,
        target=drawn(_target_bars(known, contract), contract),
        rate=rate.mean(),
        views=[(view, drawn(view.bars, contract)) for view in shown],
        strong=[view for view in shown if view.strength is not None],
        share=lambda strength: share(strength, contract),
        say=lambda value: say(value, contract),
        WIDTH=WIDTH,
        HEIGHT=HEIGHT,
    )


def _faults(frame: pd.DataFrame, contract: Contract) -> list[str]:
    try:
        check_rows(frame, contract, called=partial(called, contract.dataset))
    except DataError as error:
        return str(error).splitlines()
    return []


def _parts(labelled: pd.DataFrame, contract: Contract) -> tuple[dict[str, Any], Signs]:
    """Size, target and time of each part of the split; what looks wrong between them."""
    try:
        parts = split_rows(labelled, contract)
    except DataError as error:
        return {}, Signs([], proxies(labelled, contract), str(error))
    facts = {
        name: {
            "rows": len(part),
            "rate": rates(part, contract).mean(),
            **_span(part, contract),
        }
        for name, part in zip(Split._fields, parts, strict=True)
    }
    found = copies.copies(parts, contract)
    warnings = copies.warnings(found)
    return facts, Signs(
        [*find_leaks(parts.train, contract), *warnings],
        proxies(labelled, contract),
        "" if warnings else copies.said(found),
    )


def _span(part: pd.DataFrame, contract: Contract) -> dict[str, str | None]:
    """The first and the last moment of some rows."""
    if not contract.dataset.timestamp:
        return {"from": None, "to": None}
    moments = moments_of(part, contract)
    names = [contract.dataset.timestamp, *contract.split.then_by]
    ends = {"from": int(moments.argmin()), "to": int(moments.argmax())}
    return {
        end: " ".join(_moment(part[name].iloc[row]) for name in names) for end, row in ends.items()
    }


def _moment(value: Any) -> str:
    """A time by its day; a year or another number as it is."""
    if isinstance(value, str):
        return value
    return f"{value:%Y-%m-%d}" if isinstance(value, datetime) else f"{value:g}"


def _target_bars(labelled: pd.DataFrame, contract: Contract) -> list[Bar]:
    if contract.classes:
        return []
    values = labelled[contract.dataset.target]
    counts, edges = np.histogram(values, bins=24)
    pairs = zip(edges[:-1], edges[1:], counts, strict=True)
    return [Bar(f"{low:,.4g} to {high:,.4g}", int(rows), None) for low, high, rows in pairs]


if __name__ == "__main__":
    sys.exit(shown("data", lambda: main(["data", *sys.argv[1:]])))
