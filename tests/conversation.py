"""The questions and options as data: what may be answered, and which answers to render."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations, product
from typing import Any

from allpairspy import AllPairs

from extensions.catalogue import catalogue, conversation, seams

Answers = dict[str, Any]

CONVERSATION = conversation()
QUESTIONS = {name: details for name, details in CONVERSATION.items() if not name.startswith("_")}
ASKABLE = [name for name, details in QUESTIONS.items() if "help" in details]
CATALOGUE = catalogue()
SEAMS = seams(CATALOGUE)
OPTIONS = [(seam, option) for seam, options in SEAMS.items() for option in options]
LIMITS = QUESTIONS["answers"]["default"]
CHOICES: dict[str, list[Any]] = {
    name: [{"yes": True, "no": False}.get(value, value) for value in record["options"]]
    for name, record in {**LIMITS["choices"], **CATALOGUE}.items()
    if "options" in record
}

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
    # the others are larger ones of the same; tests/test_language_model.py reckons with all
    "llm": ["qwen3_4b", "llama_8b"],
    "llm_hardware": ["gpu_24", "cpu"],
}


def values(question: str) -> list[Any]:
    """Every value of a choice; the interesting ones of a text or a number."""
    return TRIED.get(question) or CHOICES[question]


def follows() -> dict[str, tuple[str, list[Any]]]:
    """Questions asked only after some values of another: they are varied together."""
    found = {}
    for name, question in {**LIMITS["numbers"], **LIMITS["choices"]}.items():
        for cause, allowed in question.get("applies", {}).items():
            if cause == "kind":  # it is computed; `needed` says which problems are of it
                continue
            found[name] = (cause, [{"yes": True, "no": False}.get(a, a) for a in allowed])
    return found


FOLLOWS = follows()


def of_kind(kinds: Sequence[str]) -> list[str]:
    """The problems of these kinds."""
    return [problem for problem, record in SEAMS["problem"].items() if record["kind"] in kinds]


def needed(answers: Answers) -> dict[str, list[Any]]:
    """The questions on which the chosen options depend, with the answers that suit them all."""
    found: dict[str, list[Any]] = {}
    for name, answer in answers.items():
        question = CATALOGUE.get(name) or {**LIMITS["numbers"], **LIMITS["choices"]}.get(name, {})
        own = SEAMS.get(name, {}).get(answer, {})  # a later release may offer more
        for asked in (question.get("applies", {}), own.get("needs", {})):
            for cause, allowed in asked.items():
                if cause == "kind":  # it follows from the problem
                    cause, allowed = "problem", of_kind(allowed)
                allowed = [{"yes": True, "no": False}.get(a, a) for a in allowed]
                found[cause] = [a for a in found.get(cause, allowed) if a in allowed]
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
        needs = needed({seam: option})
        answers = {question: allowed[0] for question, allowed in needs.items()} | {seam: option}
        if seam == "kind":  # it follows from the problem
            problems = SEAMS["problem"].items()
            answers = {"problem": next(p for p, record in problems if record["kind"] == option)}
        found[f"{seam}={option}"] = answers
    return found


def columns() -> list[list[Answers]]:
    """For each question the answers it can contribute; those that follow it add to it."""
    found = []
    for name in ASKABLE:
        if name in FOLLOWS:
            continue
        column: list[Answers] = []
        for value in values(name):
            late = [f for f, (cause, on) in FOLLOWS.items() if cause == name and value in on]
            # Each two of these meet too: all of them with all others would be a hundred columns.
            many = [*map(values, late)]
            for told in AllPairs(many) if len(many) > 1 else product(*many):
                column.append({name: value} | dict(zip(late, told, strict=True)))
        found.append(column)
    return found


def merge(row: Sequence[Answers]) -> Answers:
    """The contributions of a row as one set of answers."""
    return {name: value for part in row for name, value in part.items()}


def completed(pair: Answers) -> list[Answers]:
    """The first answers with which a pair can be, what it needs and what that needs; or none."""
    wanted = needed(pair)
    rows = (dict(zip(wanted, told, strict=True)) | pair for told in product(*wanted.values()))
    return [row for row in rows if fits(row)][:1]


def of(kind: str) -> list[list[Answers]]:
    """The columns that there are for problems of a kind, with the answers that may be given."""
    problems = of_kind([kind])

    def may_be(part: Answers) -> bool:
        told = ({"problem": problem} | part for problem in problems)
        return any(each["problem"] in problems and fits(each) for each in told)

    found = [[part for part in column if may_be(part)] for column in columns()]
    return [column for column in found if column]


def pairs() -> dict[str, Answers]:
    """Answers in which every two values of every two questions meet, where they may."""
    rows = [  # of each kind by itself: a question of one is not asked for the other
        row
        for kind in CATALOGUE["kind"]["options"]
        for parts in AllPairs(of(kind), filter_func=lambda row: fits(merge(row)))
        for row in completed(merge(parts))
    ]
    more = list[Answers]()  # the filter makes allpairspy forget pairs: they share rows of their own
    for first, second in combinations(columns(), 2):
        for pair in map(merge, product(first, second)):
            if fits(pair) and not any(pair.items() <= row.items() for row in [*rows, *more]):
                _take_in(pair, more)
    return {f"pairs-{number:02}": row for number, row in enumerate(rows + more, 1)}


def _take_in(pair: Answers, rows: list[Answers]) -> None:
    """Let the first row that can be with a pair have it too; else the pair has one of its own."""
    for place, row in enumerate(rows):
        both = row | pair
        if row.items() <= both.items() and fits(both) and (found := completed(both)):
            rows[place] = found[0]
            return
    rows += completed(pair)
