"""Asking a judge: the cases one by one at its endpoint, within the tokens that it may use."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Generic, NamedTuple, TypeVar

import msgspec

from engine.answering import prompt
from engine.answering.language_model.endpoint import Endpoint, EndpointError
from engine.contract.schema import Judge
from engine.core.settings import Settings

Json = dict[str, Any]
Verdict = TypeVar("Verdict", bound=msgspec.Struct)
NO_URL = "neither judge_url nor llm_url in settings.toml says where it is"
SPENT = "the tokens of judge.most_tokens are spent"
SILENT = 8  # calls in a row that bring nothing; then it is down, and the rest is not asked
DOWN = f"not asked, since {SILENT} calls before it brought nothing"
UNASKED = (NO_URL, SPENT, DOWN)


class Told(NamedTuple, Generic[Verdict]):
    """What came of asking it: verdicts or why there is none, in the order of the cases."""

    verdicts: list[Verdict | str]
    prompt_tokens: int
    completion_tokens: int


def ask(
    rules: Judge,
    settings: Settings,
    text: bytes,
    cases: Sequence[Mapping[str, str]],
    kind: type[Verdict],
) -> Told[Verdict]:
    """What the judge says of cases, each with a value for every slot of the prompt `text`.

    It is asked once for each, and never raises for what an endpoint does.
    """
    if not settings.judge_url + settings.llm_url:
        return Told([NO_URL] * len(cases), 0, 0)
    verdicts, used, silent = list[Verdict | str](), [0, 0], 0
    schema = _schema(kind)

    async def one(endpoint: Endpoint, case: Mapping[str, str]) -> Verdict | str:
        nonlocal silent
        filled = {f"{{{slot}}}": value for slot, value in case.items()}
        try:
            said = await endpoint.chat(
                rules.model,
                [{"role": "user", "content": prompt.fill(text, filled)}],
                max_tokens=rules.max_tokens,
                schema=schema,
                seconds=settings.lookup_ms / 1000,
            )
            silent = 0
            used[0] += said.usage.prompt or 0
            used[1] += said.usage.completion or 0
            return msgspec.json.decode(said.text, type=kind)
        except EndpointError as error:
            silent = 0 if error.usage else silent + 1
            return str(error)
        except (msgspec.MsgspecError, UnicodeDecodeError):
            return "its verdict is not the JSON that was asked for"

    async def every() -> None:
        endpoint = Endpoint(_of_judge(settings))
        try:
            for start in range(0, len(cases), settings.llm_at_once):
                some = cases[start : start + settings.llm_at_once]
                barred = SPENT if rules.most_tokens and sum(used) >= rules.most_tokens else ""
                if silent >= SILENT:
                    barred = DOWN
                if barred:
                    verdicts.extend([barred] * len(some))
                    continue
                verdicts.extend(await asyncio.gather(*(one(endpoint, case) for case in some)))
        finally:
            await endpoint.close()

    asyncio.run(every())
    return Told(verdicts, *used)


def _schema(kind: type[msgspec.Struct]) -> Json:
    """The JSON that is asked for: a reason as text, and a yes or no for everything else."""
    names = kind.__struct_fields__
    return {
        "type": "object",
        "additionalProperties": False,
        "required": [*names],
        "properties": {
            name: {"type": "string" if name == "reason" else "boolean"} for name in names
        },
    }


def _of_judge(settings: Settings) -> Settings:
    """The settings of its endpoint; the key of one host is not shown to another."""
    if not settings.judge_url:
        return settings
    there: Callable[..., Settings] = msgspec.structs.replace
    return there(
        settings, llm_url=settings.judge_url, llm_key=settings.judge_key, llm_schema="openai"
    )
