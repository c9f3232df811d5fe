"""The verb `corpus`: bring documents in, take some out, and say what there is and what is wrong."""

import argparse
import sys
from pathlib import Path

from engine.contract.read import load_contract
from engine.core.terminal import say
from engine.corpus import load as corpora
from engine.corpus import screen, sync

SHOWN = 20  # names of each list


def main(argv: list[str]) -> int:
    """Bring in a folder of documents, remove some, or report on all of them."""
    parser = argparse.ArgumentParser(prog="run.py corpus", description=main.__doc__)
    parts = parser.add_subparsers(dest="part", required=True)
    adding = parts.add_parser("add", help="copy what is new or changed in a folder")
    adding.add_argument("folder", type=Path)
    adding.add_argument(
        "--replace", action="store_true", help="and remove what is not in that folder"
    )
    removing = parts.add_parser("remove", help="delete documents")
    removing.add_argument("names", nargs="+", metavar="NAME")
    parts.add_parser("report", help="what there is, what cannot be read, what to look at")
    options = parser.parse_args(argv[1:])
    contract = load_contract()
    if options.part == "add":
        _told(sync.add(options.folder, contract, replace=options.replace))
    elif options.part == "remove":
        print(f"removed: {', '.join(sync.remove(options.names, contract))}")
    if options.part == "report":
        corpus = corpora.load(contract)
        size = sum(len(document.text) for document in corpus.documents)
        print(f"{len(corpus.documents)} documents with {size} characters")
        for line in corpora.lines(corpus):
            say(line)
    else:
        if contract.corpus.description:
            say(f"contract.toml calls them: {contract.corpus.description} (corpus.description)")
        print("build and serve the index with: python3 run.py up")
    return 0


def _told(found: sync.Changes) -> None:
    for name in ("added", "changed", "same", "removed"):
        names = getattr(found, name)
        print(f"{name:<8} {len(names)}")
    for unread in found.unread:
        say(f"not read: {unread.name}: {unread.reason}", sys.stderr, "bad")
    if found.skipped:
        more = f" and {len(found.skipped) - SHOWN} more" if len(found.skipped) > SHOWN else ""
        say(f"of no format that is read: {', '.join(found.skipped[:SHOWN])}{more}", sys.stderr)
    for document in found.documents:
        for warning in screen.warnings(document):
            said = f"look at {warning.name}: {warning.times} {warning.what}: {warning.example}"
            say(said, sys.stderr, "warning")
