"""A language model says of answers whether they are grounded and correct.

It sees the question, the spans that answer it, the answer and the passages that the answer cites.
Zheng et al. 2023, "Judging LLM-as-a-Judge": such verdicts favour what a model of their own family
wrote, so that is said, and they are reported beside their agreement with people, never as a gate.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from engine.answering import prompt
from engine.contract.schema import Judge
from engine.core.errors import DataError
from engine.core.settings import Settings
from engine.evaluation.judging import asking, people
from engine.evaluation.questions import Questions
from engine.registry import runs

Json = dict[str, Any]
SLOTS = ("{passages}", "{question}", "{reference}", "{answer}")


class Verdict(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the judge says of one answer."""

    grounded: bool
    correct: bool
    reason: str


def judged(
    rules: Judge, settings: Settings, questions: Questions, given: Mapping[str, Json], by: str
) -> runs.Judged:
    """What the judge says of the answers to test questions, and how it agrees with people.

    `given` are the answers by the question's id, `by` is the model that gave them, if one did.
    Raises AppError for its prompt, DataError for the labels.
    """
    text = prompt.load(rules.prompt, SLOTS)
    cases = _cases(questions, given)
    labels, unlabelled = people.load(rules.labels)
    asked = [*cases, *(label.case for label in labels)]
    told = asking.ask(rules, settings, text, asked, Verdict)
    mine, theirs = told.verdicts[: len(cases)], told.verdicts[len(cases) :]
    sound = [verdict for verdict in mine if isinstance(verdict, Verdict)]
    price = settings.llm_prices.get(rules.model)
    return runs.Judged(
        model=rules.model,
        prompt_version=prompt.version(text),
        answers=len(cases),
        judged=len(sound),
        grounded=_share([verdict.grounded for verdict in sound]),
        correct=_share([verdict.correct for verdict in sound]),
        unjudged=dict(Counter(why for why in told.verdicts if isinstance(why, str))),
        prompt_tokens=told.prompt_tokens,
        completion_tokens=told.completion_tokens,
        cost=price.of(told.prompt_tokens, told.completion_tokens) if price else None,
        family=people.family(by) if by and people.family(by) == people.family(rules.model) else "",
        agreement=[
            people.agreement(name, [(getattr(a, name), getattr(b, name)) for a, b in pairs])
            for name in ("grounded", "correct")
            if (pairs := [(a, b) for a, b in zip(labels, theirs, strict=True) if _is_sound(b)])
        ],
        labels=len(labels),
        unlabelled=unlabelled,
    )


def lines(found: runs.Judged | None, rules: Judge) -> list[str]:
    """What was judged, for a terminal; only what was measured."""
    if found is None:
        return []
    shown = [f"{found.model} judged {found.judged} of {found.answers} answers (no gate)"]
    if found.grounded is not None:
        shown[0] += f": {found.grounded:.3f} grounded, {found.correct:.3f} correct"
    shown += [f"  {many} without a verdict: {why}" for why, many in found.unjudged.items()]
    if found.prompt_tokens + found.completion_tokens:
        cost = "no price is known ([llm_prices] in settings.toml)"
        if found.cost:
            cost = f"{found.cost['amount']:.4f} {found.cost['currency']}"
        tokens = f"{found.prompt_tokens} + {found.completion_tokens} tokens"
        shown.append(f"  it used {tokens}; {cost}")
    if found.family:
        shown.append(f"  judge and answers are of one family, {found.family}: it may favour them")
    for each in found.agreement:
        kappa = "not defined" if each.kappa is None else f"{each.kappa:.2f}"
        if each.kappa is not None:
            kappa += f" ({each.kappa_low:.2f} to {each.kappa_high:.2f})"
        shown.append(
            f"  agrees with people on {each.of}: {each.raw:.2f} of {each.labels}, kappa {kappa}"
        )
    if few := people.wanted(found, rules.labels):
        shown.append(f"  {few}")
    return shown


def sample(questions: Questions, given: Mapping[str, Json], path: str) -> int:
    """Write the answers to test questions for people to judge; returns how many.

    Raises DataError where the file is there already: somebody's labels may be in it.
    """
    if Path(path).exists():
        raise DataError(f"{path} is there already; take another name, so that no label is lost")
    rows = [{**case, "grounded": None, "correct": None} for case in _cases(questions, given)]
    Path(path).write_bytes(b"".join(msgspec.json.encode(row) + b"\n" for row in rows))
    return len(rows)


def _cases(questions: Questions, given: Mapping[str, Json]) -> list[dict[str, str]]:
    """The answers to test questions that have one, each with what a judge has to see."""
    return [
        {
            "question": question.question,
            "reference": "\n".join(question.spans),
            "answer": answer["answer"],
            "passages": "\n\n".join(
                f"[{number}] {c['before']}{c['quote']}{c['after']}"
                for number, c in enumerate(answer["citations"], 1)
            ),
        }
        for question in questions.part("test", answerable=True)
        if not (answer := given[question.id])["refused"]
    ]


def _is_sound(verdict: Verdict | str) -> bool:
    return isinstance(verdict, Verdict)


def _share(values: Sequence[bool]) -> float | None:
    return sum(values) / len(values) if values else None
