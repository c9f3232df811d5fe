"""A language model says of logged answers whether they are grounded and answer the question.

It sees the question, the answer and the text around what the answer cites; there is no reference
here, as the questions of the evaluation have one. No gate looks at what it says.
"""

import hashlib
from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec

from engine.answering import prompt
from engine.contract.schema import Judge
from engine.core.settings import Settings
from engine.core.storage import Storage
from engine.corpus.screen import blotted
from engine.evaluation.judging import asking
from engine.monitoring import judgements
from engine.monitoring.cited import Cited
from engine.monitoring.judgements import Judgement, Quality
from engine.monitoring.log import Window

Json = dict[str, Any]
NO_QUESTION = "its question is not in the log (log_questions under [privacy] in contract.toml)"
NO_ANSWER = "it is not in the log (log_answers under [privacy] in contract.toml)"
NO_VERSION = "what it cites cannot be read any more"


class Seen(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the judge says of one answer."""

    grounded: bool
    answered: bool
    reason: str


def judge(
    storage: Storage, rules: Judge, settings: Settings, window: Window, start: datetime, most: int
) -> Quality:
    """Judge answers of the window, at most `most`, and as many of before where fewer are judged.

    They are drawn by a hash of their ids, so the same ones come each time, and none is asked for
    twice. What an endpoint does not give is counted. Raises StorageError where judgements cannot
    be kept, before anything is asked, and what `judgements.load` raises.
    """
    storage.check()
    before = judgements.load(storage, rules)
    known, lacking = {each.id for each in before.known}, Counter[str]()
    earlier = sum(each.at < start for each in before.known)
    now = [row for row in _drawn(window.answers, lacking)[:most] if row["id"] not in known]
    then = [row for row in _drawn(window.before, Counter()) if row["id"] not in known]
    cited = Cited(storage)
    pairs = [(row, cited.around(row)) for row in [*now, *then[: max(0, most - earlier)]]]
    cited.close()
    rows = [(row, text) for row, text in pairs if text is not None]
    lacking[NO_VERSION] += len(pairs) - len(rows)
    cases = [
        {
            "passages": blotted(text),
            "question": row["row"]["question"],
            "answer": row["answer"]["answer"],
        }
        for row, text in rows
    ]
    words = prompt.load(rules.logged_prompt, judgements.SLOTS)
    told = asking.ask(rules, settings, words, cases, Seen)
    made = [
        _judgement(row, seen, before)
        for (row, _), seen in zip(rows, told.verdicts, strict=True)
        if isinstance(seen, Seen)
    ]
    judgements.keep(storage, made)
    lacking.update(why for why in told.verdicts if isinstance(why, str))
    price = settings.llm_prices.get(rules.model)
    return before._replace(
        known=judgements.in_time([*before.known, *made]),
        asked=sum(each not in asking.UNASKED for each in told.verdicts),
        unjudged=+lacking,
        prompt_tokens=told.prompt_tokens,
        completion_tokens=told.completion_tokens,
        cost=price.of(told.prompt_tokens, told.completion_tokens) if price else None,
    )


def _drawn(rows: Sequence[Json], lacking: Counter[str]) -> list[Json]:
    """Answers that can be judged, each once, in an order that is random and always the same."""
    found: dict[str, Json] = {}
    for row in rows:
        if row["answer"].get("refused"):
            continue
        if not row["row"].get("question"):
            lacking[NO_QUESTION] += 1
        elif not row["answer"].get("answer"):
            lacking[NO_ANSWER] += 1
        else:
            found[row["id"]] = row
    return sorted(found.values(), key=lambda row: hashlib.sha256(row["id"].encode()).digest())


def _judgement(row: Json, seen: Seen, by: Quality) -> Judgement:
    return Judgement(
        id=row["id"],
        at=row["at"],
        version=row["version"],
        model=by.model,
        prompt_version=by.prompt_version,
        grounded=seen.grounded,
        answered=seen.answered,
        reason=blotted(seen.reason),
    )
