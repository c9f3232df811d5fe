"""An OpenAI-compatible endpoint: `/chat/completions` and `/embeddings`, within one deadline."""

import math
import time
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import msgspec
import numpy as np

from engine.answering import watched
from engine.answering.prompt import CHARACTERS
from engine.core.settings import Settings
from engine.retrieval.calls import CallError, Calls
from engine.retrieval.dense import Vectors, unit

UNREAD = "422"  # what TGI says to the schema of OpenAI, and others to that of TGI
BATCH = 32  # texts that are encoded in one call; the most that TEI takes by default


class Usage(NamedTuple):
    """Tokens as the endpoint counts them; None where it does not say."""

    prompt: int | None
    completion: int | None
    guessed: int = 0
    """Both together by the length of the texts, for a budget that nobody counts for."""


class EndpointError(Exception):
    """It gave nothing that can be used; the text says why, in a few words."""

    def __init__(self, text: str, usage: Usage | None = None, kind: str = "_OTHER") -> None:
        super().__init__(text)
        self.usage = usage
        """What it cost all the same."""
        self.kind = kind
        """What went wrong by a name of a few: a status, `timeout`, a class of errors."""


class Said(NamedTuple):
    """What a language model said."""

    text: str
    usage: Usage
    model: str | None = None
    """Which model answered, and below the id of its answer, where the endpoint says so."""
    id: str | None = None
    finish: str | None = None


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
    model: str | None = None
    id: str | None = None


class _Embedding(msgspec.Struct):
    embedding: list[float]
    index: int = 0


class _Embeddings(msgspec.Struct):
    data: list[_Embedding]


class Endpoint:
    """One endpoint; use it on one event loop, and close it there."""

    def __init__(self, settings: Settings) -> None:
        self.chat_url = settings.llm_url
        self.embed_url = settings.encoder_url or settings.llm_url
        self._chat = f"{settings.llm_url.rstrip('/')}/chat/completions"
        self._embed = f"{(settings.encoder_url or settings.llm_url).rstrip('/')}/embeddings"
        self._said = self._encoded = Calls(
            settings.llm_key, settings.llm_attempts, settings.llm_at_once
        )
        if settings.encoder_url:  # another house, which must not see the key of the first
            self._encoded = Calls(settings.encoder_key, settings.llm_attempts, settings.llm_at_once)
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
        content = await self._post(self._said, self._chat, body, seconds)
        try:
            found = msgspec.json.decode(content, type=_Completion)
            choice = found.choices[0]
        except (msgspec.MsgspecError, UnicodeDecodeError, IndexError):
            raise EndpointError("not the answer of a chat") from None
        used, text = found.usage or _Usage(), choice.message.content or ""
        sent = sum(len(message["content"]) for message in messages)
        guessed = (sent + len(text)) // CHARACTERS
        usage = Usage(used.prompt_tokens, used.completion_tokens, guessed)
        if choice.finish_reason == "length":
            raise EndpointError("the answer was cut off at max_tokens", usage)
        if not text:
            raise EndpointError("an empty answer", usage)
        return Said(text, usage, found.model, found.id, choice.finish_reason)

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
            content = await self._post(self._encoded, self._embed, body, end - time.monotonic())
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
        await self._said.close()
        await self._encoded.close()

    async def _post(self, calls: Calls, url: str, body: Any, seconds: float) -> bytes:
        try:
            return await calls.post(url, body, seconds, watched.headers())
        except CallError as error:
            said = str(error)
            if error.kind == UNREAD and "response_format" in body:
                said += ", as it does not read the schema (llm_schema in settings.toml)"
            raise EndpointError(said, kind=error.kind) from None
