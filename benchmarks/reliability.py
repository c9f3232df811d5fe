"""What a rendered repository bears: load, kills, damage and hostile callers, each of them counted.

    python3 run.py benchmark reliability         # --small: few of each, and no page is written

The real server and the real batch of two repositories as they are rendered by default. What broke
a promise is counted as lost. Counts travel to other machines; times do not.
"""

import argparse
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from .faults import batches, lives, requests, strangers
from .faults.project import Row, bodies, engine, rendered
from .report import publish

PAGE = Path(__file__).resolve().parent.parent / "docs" / "reliability.md"
COMMAND = "python3 run.py benchmark reliability"
HEADER = "| fault | tried | what held | lost |\n| --- | --- | --- | ---: |"


class Size(NamedTuple):
    """How often each is tried."""

    promotions: int = 12
    kills: int = 10
    terminations: int = 5
    requests: int = 5_000
    seconds: float = 10.0
    batches: int = 5
    rows: int = 12_000


SMALL = Size(2, 1, 1, 200, 1.0, 1, 3_000)


def main() -> int:
    """Break it, count, and publish the table; the code is 1 when anything was lost."""
    parser = argparse.ArgumentParser(prog="run.py benchmark reliability", description=main.__doc__)
    parser.add_argument("--small", action="store_true", help="few of each, and no page is written")
    size = SMALL if parser.parse_args().small else Size()
    with tempfile.TemporaryDirectory() as scratch:
        rows = list[Row]()
        for row in measured(Path(scratch), size):
            print(line(row), file=sys.stderr, flush=True)
            rows.append(row)
    table = "\n".join([HEADER, *map(line, rows)])
    if size is SMALL:
        print(table)
    else:
        publish("reliability", table, COMMAND, PAGE)
    return 1 if any(row.lost for row in rows) else 0


def measured(scratch: Path, size: Size) -> Iterator[Row]:
    """Every fault, one after the other."""
    online = rendered(scratch / "online")
    asked = bodies(online)
    engine(online, "train", "--set", "learning_rate=0.2")
    yield lives.promotions(online, asked, size.promotions)
    yield from lives.kills(online, asked, size.kills)
    yield lives.terminations(online, asked, size.terminations)
    yield lives.damages(online, asked)
    yield from lives.disks(online, asked)
    yield requests.fuzzed(online, size.requests)
    yield from strangers.visited(online, asked, size.seconds)
    yield batches.killed(rendered(scratch / "batch", "mode=batch"), size.batches, size.rows)


def line(row: Row) -> str:
    """A line of the table."""
    return f"| {row.fault} | {row.tried} | {row.held} | {row.lost} |"


if __name__ == "__main__":
    sys.exit(main())
