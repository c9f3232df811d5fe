"""The verb `doctor`: say what this machine lacks for this project, and the way out."""

from __future__ import annotations

import argparse
import importlib
import os
import shutil
import sys
import textwrap
from collections.abc import Iterable

from . import MISSING, OK, Finding, modules

STATE = 13  # columns
LINE = 100


def main(argv: list[str]) -> int:
    """Print what was found; 1 if something that this project needs is missing."""
    parser = argparse.ArgumentParser(prog="run.py doctor", description=__doc__)
    parser.parse_args(argv)
    found: list[Finding] = []
    for name in modules():
        for finding in importlib.import_module(f"{__package__}.{name}").look():
            found.append(finding)
            print("\n".join(lines(finding)), flush=True)
    return verdict(found)


def lines(finding: Finding) -> list[str]:
    """A finding as a paragraph: its state, what it is about, who needs it, and the way out."""
    width = min(LINE, shutil.get_terminal_size((LINE, 24)).columns)
    margin = " " * STATE
    use = f"only for {finding.needs_it}" if finding.optional else f"for {finding.needs_it}"
    text = f"{finding.thing}: {finding.said} ({use})"
    shown = textwrap.wrap(
        text,
        width,
        initial_indent=f"{finding.state:<{STATE}}",
        subsequent_indent=margin,
        break_long_words=False,
    )
    ways = finding.way_out.splitlines() if finding.state != OK else []
    for way in ways:
        shown += textwrap.wrap(
            way,
            width,
            initial_indent=f"{margin}-> ",
            subsequent_indent=f"{margin}   ",
            break_long_words=False,
            break_on_hyphens=False,
        )
    return shown


def verdict(found: Iterable[Finding]) -> int:
    """Say in one line whether the project can run here; the exit code."""
    missing = [finding for finding in found if finding.state == MISSING]
    needed = [finding.thing for finding in missing if not finding.optional]
    spared = [finding.thing for finding in missing if finding.optional]
    if spared:
        print(f"\nmissing, but everything else works without: {', '.join(spared)}")
    if needed:
        print(f"\nmissing, and needed: {', '.join(needed)}")
        return 1
    print("\nnothing that this project needs was found missing")
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except BrokenPipeError:  # whoever reads has seen enough, as `head` does
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(141)
