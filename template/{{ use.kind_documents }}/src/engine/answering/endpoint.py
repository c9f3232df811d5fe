"""An OpenAI-compatible endpoint: `/chat/completions` and `/embeddings`, within one deadline."""

import math
import time
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import msgspec
import numpy as np

from engine.core.calls import CallError as EndpointError
from engine.core.calls import Calls
from engine.core.settings import Settings
from engine.retrieval.dense import Vectors, unit

__all__ = ["Endpoint", "EndpointError", "Said", "Usage"]
UNREAD = 422  # what TGI says to the schema of OpenAI, and others to that of TGI
BATCH = 32  # texts that are encoded in one call; the most that TEI takes by default


class Usage(NamedTuple):
    """Tokens as the endpoint counts them; None where it does not say."""

    prompt: int | None
    completion: int | None


class Said(NamedTuple):
    """What a language model said."""

    text: str
    usage: Usage


class _Message(msgspec.Struct):
    content: str | None = None


class _Choice(msgspec.Struct):
    message: _Message
    finish_reason: str | None = None


class _Usage(msgspec.Struct):
    prompt_tokens: int | None = None
    completion_tokens: int | None = None


class _Completion(msgspec.Struct):
    choices: list[_Choice]
    usage: _Usage | None = None


class _Embedding(msgspec.Struct):
    embedding: list[float]
    index: int = 0


class _Embeddings(msgspec.Struct):
    data: list[_Embedding]


class Endpoint:
    """One endpoint; use it on one event loop, and close it there."""

    def __init__(self, settings: Settings) -> None:
        self._chat = f"{settings.llm_url.rstrip('/')}/chat/completions"
        self._embed = f"{(settings.encoder_url or settings.llm_url).rstrip('/')}/embeddings"
        self._calls = Calls(settings.llm_key, settings.llm_attempts, settings.llm_at_once)
        self._schema = settings.llm_schema

    async def chat(
        self,
        model: str,
        messages: Sequence[Mapping[str, str]],
        *,
        max_tokens: int,
        schema: Mapping[str, Any] | None,
        seconds: float,
    ) -> Said:
        """What the model says to messages, held to a JSON schema where the endpoint knows how.

        Raises EndpointError.
        """
        body: dict[str, Any] = {
            "model": model,
            "messages": [*messages],
            "max_tokens": max_tokens,
            "temperature": 0,
        }
        if schema:
            body["response_format"] = self._form(schema)
        try:
            content = await self._calls.post(self._chat, body, seconds)
        except EndpointError as error:
            if error.status != UNREAD or not schema:
                raise
            told = f"{error}, as it does not read the schema (llm_schema in settings.toml)"
            raise EndpointError(told, UNREAD) from None
        try:
            found = msgspec.json.decode(content, type=_Completion)
            choice = found.choices[0]
        except (msgspec.MsgspecError, UnicodeDecodeError, IndexError):
            raise EndpointError("not the answer of a chat") from None
        if choice.finish_reason == "length":
            raise EndpointError("the answer was cut off at max_tokens")
        if not choice.message.content:
            raise EndpointError("an empty answer")
        used = found.usage or _Usage()
        return Said(choice.message.content, Usage(used.prompt_tokens, used.completion_tokens))

    def _form(self, schema: Mapping[str, Any]) -> dict[str, Any]:
        """How a schema is asked for; TGI's router has `value` where the others have the type."""
        if self._schema == "tgi":
            return {"type": "json_schema", "value": {"name": "answer", "schema": schema}}
        form = {"name": "answer", "strict": True, "schema": schema}
        return {"type": "json_schema", "json_schema": form}

    async def embed(self, model: str, texts: Sequence[str], *, seconds: float) -> Vectors:
        """The vectors [texts, dimensions] of some texts, of unit length.

        Raises EndpointError.
        """
        rows = list[list[float]]()
        end = time.monotonic() + seconds
        for start in range(0, len(texts), BATCH):
            some = [*texts[start : start + BATCH]]
            body = {"model": model, "input": some, "encoding_format": "float"}
            content = await self._calls.post(self._embed, body, end - time.monotonic())
            try:
                data = msgspec.json.decode(content, type=_Embeddings).data
            except (msgspec.MsgspecError, UnicodeDecodeError):
                raise EndpointError("not the answer of an encoder") from None
            got = [each.embedding for each in sorted(data, key=lambda each: each.index)]
            if len(got) != len(some) or len({*map(len, rows[:1] + got)}) != 1:
                raise EndpointError("vectors of another number or length than asked for")
            rows += got
        found = np.asarray(rows, np.float32)
        if not math.isfinite(float(found.sum())):
            raise EndpointError("vectors that are no numbers")
        return unit(found)

    async def close(self) -> None:
        """End its connections."""
        await self._calls.close()
