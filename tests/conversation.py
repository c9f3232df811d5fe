"""The questions and options as data: what may be answered, and which answers to render."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import combinations, product
from pathlib import Path
from typing import Any

import yaml
from allpairspy import AllPairs

ROOT = Path(__file__).resolve().parent.parent
Answers = dict[str, Any]


class _Loader(yaml.SafeLoader):
    """Reads copier.yml; an included file arrives as copier hands it over, in a list."""


def _include(_: _Loader, node: Any) -> list[Any]:
    return [yaml.safe_load((ROOT / node.value).read_text("utf-8"))]


_Loader.add_constructor("!include", _include)


def load(path: Path = ROOT / "copier.yml") -> Answers:
    """All documents of copier.yml as one mapping."""
    merged: Answers = {}
    for document in yaml.load_all(path.read_text("utf-8"), Loader=_Loader):
        merged |= document
    return merged


CONVERSATION = load()
QUESTIONS = {name: details for name, details in CONVERSATION.items() if not name.startswith("_")}
CATALOGUE: dict[str, dict[str, Any]] = yaml.safe_load((ROOT / "catalogue.yml").read_text("utf-8"))
SEAMS = {seam: options for seam, options in CATALOGUE.items() if seam != "base"}
OPTIONS = [(seam, option) for seam, options in SEAMS.items() for option in options]
ANSWERS = QUESTIONS["answers"]["default"]
COMPUTED: list[str] = re.findall(r"'(\w+)'", (ROOT / "questions/computed.jinja").read_text("utf-8"))

# Values that steer a recommendation, or that are awkward to quote.
TRIED: Answers = {
    "project_name": ["Demo", 'L\'été "über" <b>&amp;</b> \\n # 50 % {{ x }}'],
    "description": [
        "Who leaves next month.",
        "A \"quoted\" \\ back\\slash, # hash: colon, \U0001f600 and 'quote'",
    ],
    "owner": ["Data team", 'O\'Neil: "R&D" #1'],
    "p99_ms": [1, 100],
    "peak_rps": [1, 20000],
    "rows_per_run": [1, 900_000_000],
    "ground_truth_days": [0, 30],
    "personal_data": [False, True],
}


def values(question: str) -> list[Any]:
    """Every value of a choice; the interesting ones of a text or a number."""
    return list(TRIED.get(question) or SEAMS.get(question) or ANSWERS["choices"][question])


def asked() -> list[str]:
    """The questions a user can answer, in order; the package name follows the project name."""
    known = {*ANSWERS["texts"], *ANSWERS["numbers"], *ANSWERS["choices"], *SEAMS}
    return [name for name in QUESTIONS if name in known and name != "package_name"]


# Questions asked only after some values of another: they are varied together.
FOLLOWS: dict[str, tuple[str, list[Any]]] = {
    "p99_ms": ("mode", ["real_time"]),
    "peak_rps": ("mode", ["real_time"]),
    "feature_sharing": ("mode", ["real_time", "batch"]),
    "rows_per_run": ("mode", ["batch"]),
    "trigger": ("mode", ["batch"]),
    "privacy": ("personal_data", [True]),
    "ground_truth_days": ("ground_truth", ["days"]),
}


def needed(answers: Answers) -> dict[str, list[Any]]:
    """The questions on which the chosen options depend, with the answers that suit them all."""
    found: dict[str, list[Any]] = {}
    for seam, option in answers.items():
        needs = SEAMS.get(seam, {}).get(option, {}).get("needs", {}) if seam in SEAMS else {}
        for question, allowed in needs.items():
            found[question] = [a for a in found.get(question, allowed) if a in allowed]
    return found


def fits(answers: Answers) -> bool:
    """Whether every chosen option finds what it needs among the answers, or still can."""
    return all(
        allowed and answers.get(question, allowed[0]) in allowed
        for question, allowed in needed(answers).items()
    )


def alone() -> dict[str, Answers]:
    """Every option by itself, with what it needs."""
    found: dict[str, Answers] = {"defaults": {}}
    for seam, option in OPTIONS:
        needs = SEAMS[seam][option].get("needs", {})
        found[f"{seam}={option}"] = {
            question: allowed[0] for question, allowed in needs.items()
        } | {seam: option}
    return found


def columns() -> list[list[Answers]]:
    """For each question the answers it can contribute; those that follow it add to it."""
    found = []
    for name in asked():
        if name in FOLLOWS:
            continue
        column: list[Answers] = []
        for value in values(name):
            late = [f for f, (cause, on) in FOLLOWS.items() if cause == name and value in on]
            for told in product(*map(values, late)):
                column.append({name: value} | dict(zip(late, told, strict=True)))
        found.append(column)
    return found


def merge(row: Sequence[Answers]) -> Answers:
    """The contributions of a row as one set of answers."""
    return {name: value for part in row for name, value in part.items()}


def pairs() -> dict[str, Answers]:
    """Answers in which every two values of every two questions meet, where they may."""
    rows = [merge(row) for row in AllPairs(columns(), filter_func=lambda row: fits(merge(row)))]
    # The filter makes allpairspy forget pairs; whatever is still missing gets a row of its own.
    for first, second in combinations(columns(), 2):
        for pair in map(merge, product(first, second)):
            if fits(pair) and not any(pair.items() <= row.items() for row in rows):
                first_fit = {question: allowed[0] for question, allowed in needed(pair).items()}
                rows.append(first_fit | pair)
    return {f"pairs-{number:02}": row for number, row in enumerate(rows, 1)}
