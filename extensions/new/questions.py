"""The questions of copier.yml as Copier understands them, with the answers given so far.

Worker, Question and AnswersMap are Copier's own and not public: the lock holds its version, and a
test holds what comes out of them against a copy by Copier alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from copier._main import Worker
from copier._types import MISSING
from copier._user_data import AnswersMap, Question
from copier.errors import UserMessageError

from extensions.new.refusals import refusal

RULE = (
    "{%% from 'questions/checks.jinja' import number_rule %%}{{ number_rule(answers.numbers.%s) }}"
)
PREFIX = "Validation error for question "


class Asked(NamedTuple):
    """A question that applies after the answers so far.

    `answer` is what was told, what came with --data, or the default; `told` and `given` say which.
    """

    name: str
    text: str
    choices: tuple[tuple[str, Any], ...]  # a line to show and its value; none where one types
    answer: Any
    told: bool
    given: bool
    question: Question

    def read(self, typed: str) -> Any:
        """The value of what was typed; ValueError says the rule that it breaks."""
        try:
            value = self.question.parse_answer(typed)
        except Exception:  # copier's casts raise what int() and yaml raise
            raise ValueError(self.question.render_value(RULE % self.name)) from None
        try:
            self.question.validate_answer(value)
        except ValueError as problem:
            raise ValueError(str(problem).removeprefix(f"{PREFIX}'{self.name}': ")) from None
        return value

    def label(self) -> str:
        """The answer as a person says it."""
        return next(
            (line.partition(" - ")[0] for line, value in self.choices if value == self.answer),
            str(self.answer),
        )

    def line(self) -> str:
        """The whole line of the answer: when to choose it, and its price."""
        return next((line for line, value in self.choices if value == self.answer), self.label())


class Walk(NamedTuple):
    """Every question that applies, in order; what follows from the answers; what is refused."""

    asked: list[Asked]
    found: Mapping[str, Any]
    refused: str

    def paperwork(self) -> set[str]:
        """The first text and all that is asked after it."""
        names = [asked.name for asked in self.asked]
        first = next(n for n, name in enumerate(names) if name in self.found["answers"]["texts"])
        return set(names[first:])

    def needs(self) -> list[Asked]:
        """What only the user can know: neither a tool that is recommended nor paperwork."""
        tools = self.found["recommended"].keys() & self.found["catalogue"].keys()
        other = tools | self.paperwork()
        return [asked for asked in self.asked if asked.name not in other]


def walk(worker: Worker, told: Mapping[str, Any]) -> Walk:
    """Go through all questions as `copier copy` does; what was told and no longer fits is left out.

    Raises UserMessageError where --data holds a value that is never valid; what is refused only
    together with the other answers comes back as `refused`.
    """
    answers = AnswersMap(
        user_defaults=worker.user_defaults,
        init=dict(worker.data),
        last=worker.subproject.last_answers,
        metadata=worker.template.metadata,
    )
    worker.answers = answers
    found: list[Asked] = []
    for name, details in worker.template.questions_data.items():
        question = Question(
            answers=answers,
            context=worker._render_context(),
            jinja_env=worker.jinja_env,
            settings=worker.settings,
            var_name=name,
            **details,
        )
        try:
            applies = question.get_when()
        except UserMessageError as problem:
            if not found:
                raise
            return Walk(found, answers.combined, refusal(problem.message))
        if not applies:
            answers.hide(name)
            answers.last.pop(name, None)
            value = question.get_default()
            if value is not MISSING:
                answers.user[name] = value
            continue
        asked = ask(question, told)
        answers.user[name] = asked.answer
        found.append(asked)
    return Walk(found, answers.combined, "")


def ask(question: Question, told: Mapping[str, Any]) -> Asked:
    """One question that applies, with its answer."""
    name = question.var_name
    answer, is_told, given = MISSING, False, name in question.answers.init
    if name in told and not given:
        try:
            answer = question.parse_answer(told[name])
            question.validate_answer(answer)
            is_told = True
        except Exception:  # it was told when other answers allowed it
            answer = MISSING
    if answer is MISSING:
        answer = question.get_default()
    choices = tuple(
        (str(c.title), question.cast_answer(c.value)) for c in question._formatted_choices
    )
    text = " ".join(str(question.render_value(question.help)).split())
    return Asked(name, text, choices, answer, is_told, given, question)
