"""Servers loaded in turns, round by round: the options, the loads, and what is said of the rounds.

Ratios travel from one machine to another, absolute figures do not: each figure is the median of the
rounds, with the least and the largest.
"""

import argparse
import shutil
import statistics
import sys
from collections.abc import Callable
from pathlib import Path

from .load import SCRIPT, Others, Server, Slice

ONE, MANY = "c=1", "c=16"
FEWEST = 5  # rounds that say anything


def parser(benchmark: str, about: str | None, rounds: int) -> argparse.ArgumentParser:
    """The options of a benchmark of servers; it may add its own."""
    made = argparse.ArgumentParser(prog=f"run.py benchmark {benchmark}", description=about)
    made.add_argument("--rounds", type=int, default=rounds)
    made.add_argument("--seconds", type=int, default=2)
    return made


def options(asked: argparse.ArgumentParser) -> argparse.Namespace:
    """What was asked for; ends the benchmark where it would say nothing or could load nothing."""
    found = asked.parse_args()
    if found.rounds < FEWEST:
        asked.error(f"--rounds {found.rounds}: at least {FEWEST}, for a median with a spread")
    if not shutil.which("wrk"):
        sys.exit("this needs wrk, the load generator (Debian: apt-get install wrk)")
    return found


def script(folder: Path) -> Path:
    """The file that tells wrk what to send."""
    path = folder / "post.lua"
    path.write_text(SCRIPT, encoding="utf-8")
    return path


def loaded(
    servers: list[Server],
    lua: Path,
    rounds: int,
    seconds: int,
    more: Callable[[Server], None] | None = None,
) -> str:
    """Load running servers in turns, every other round backwards; `more` is done after each.

    Returns what is to be said of the noise.
    """
    for server in servers:
        server.load(4, 1, lua)
    others = Others(servers)
    for number in range(rounds):
        for server in servers[:: 1 if number % 2 == 0 else -1]:
            server.load(1, seconds, lua, keep=ONE)
            server.load(16, seconds, lua, keep=MANY)
            if more:
                more(server)
    here, elsewhere = others.shares()
    return (
        f"- {rounds} rounds of {seconds} s; taken meanwhile of the processors by "
        f"other processes {here:.0%}, by other machines {elsewhere:.0%}."
    )


def over(server: Server, other: Server, figure: str, what: str) -> str:
    """A figure of one server over that of another, by the rounds."""
    return ratios(server.slices[what], other.slices[what], figure)


def ratios(mine: list[Slice], others: list[Slice], figure: str) -> str:
    """The median of the rounds' ratios, with the least and the largest."""
    found = [getattr(a, figure) / getattr(b, figure) for a, b in zip(mine, others, strict=True)]
    return f"{statistics.median(found):.1f} times ({min(found):.1f} to {max(found):.1f})"


def middle(server: Server, figure: str, what: str) -> float:
    """The median of a figure."""
    return float(statistics.median(getattr(found, figure) for found in server.slices[what]))
