"""An OpenAI-compatible endpoint: `/chat/completions` and `/embeddings`, within one deadline.

Attempts, waits and answers share the time there is. What is refused for now (429, 5xx) or does not
come is asked for again; what is refused for good is not.
"""

import asyncio
import math
import random
import time
from collections.abc import Sequence
from typing import Any, NamedTuple

import httpx
import msgspec
import numpy as np

from engine.answering import watched
from engine.answering.prompt import CHARACTERS
from engine.core.settings import Settings
from engine.retrieval.dense import Vectors, unit

AGAIN = frozenset({408, 409, 425, 429, 500, 502, 503, 504})
BATCH = 64  # texts that are encoded in one call


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
        self._attempts = max(1, settings.llm_attempts)
        headers = {"Authorization": f"Bearer {settings.llm_key}"} if settings.llm_key else {}
        limits = httpx.Limits(max_connections=max(1, settings.llm_at_once))
        self._client = httpx.AsyncClient(headers=headers, limits=limits)
        self._turns = asyncio.Semaphore(max(1, settings.llm_at_once))

    async def chat(
        self, model: str, prompt: str, *, max_tokens: int, schema: dict[str, Any], seconds: float
    ) -> Said:
        """What the model says to a prompt, held to a JSON schema where the endpoint knows how.

        Raises EndpointError.
        """
        form = {"name": "answer", "strict": True, "schema": schema}
        body = {
            "model": model,
            "messages": [{"role": "user", "content": prompt}],
            "max_tokens": max_tokens,
            "temperature": 0,
            "response_format": {"type": "json_schema", "json_schema": form},
        }
        content = await self._post(self._chat, body, seconds)
        try:
            found = msgspec.json.decode(content, type=_Completion)
            choice = found.choices[0]
        except (msgspec.MsgspecError, UnicodeDecodeError, IndexError):
            raise EndpointError("not the answer of a chat") from None
        used, text = found.usage or _Usage(), choice.message.content or ""
        guessed = (len(prompt) + len(text)) // CHARACTERS
        usage = Usage(used.prompt_tokens, used.completion_tokens, guessed)
        if choice.finish_reason == "length":
            raise EndpointError("the answer was cut off at max_tokens", usage)
        if not text:
            raise EndpointError("an empty answer", usage)
        return Said(text, usage, found.model, found.id, choice.finish_reason)

    async def embed(self, model: str, texts: Sequence[str], *, seconds: float) -> Vectors:
        """The vectors [texts, dimensions] of some texts, of unit length.

        Raises EndpointError.
        """
        rows = list[list[float]]()
        end = time.monotonic() + seconds
        for start in range(0, len(texts), BATCH):
            some = [*texts[start : start + BATCH]]
            body = {"model": model, "input": some, "encoding_format": "float"}
            content = await self._post(self._embed, body, end - time.monotonic())
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
        await self._client.aclose()

    async def _post(self, url: str, body: Any, seconds: float) -> bytes:
        """The body of a good answer, asked for as often as there is time and attempts."""
        trouble, wait, kind = "it did not answer in time", 0.0, "timeout"
        try:
            async with asyncio.timeout(max(seconds, 0.001)), self._turns:
                for attempt in range(self._attempts):
                    if attempt:
                        await asyncio.sleep(wait)
                    wait = random.uniform(0.5, 1) * 0.5 * 2**attempt
                    try:
                        reply = await self._client.post(
                            url, json=body, timeout=seconds, headers=watched.headers()
                        )
                    except httpx.HTTPError as error:
                        kind = type(error).__name__
                        trouble = f"it cannot be reached ({kind})"
                        continue
                    if reply.is_success:
                        return reply.content
                    trouble, kind = f"it answered {reply.status_code}", str(reply.status_code)
                    if reply.status_code not in AGAIN:
                        break
                    wait = max(wait, _asked_to_wait(reply))
        except TimeoutError:
            late = f"no answer within the time there is; {trouble}"
            raise EndpointError(late, kind="timeout") from None
        raise EndpointError(trouble, kind=kind)


def _asked_to_wait(reply: httpx.Response) -> float:
    try:
        return max(0.0, float(reply.headers.get("retry-after", "0")))
    except ValueError:  # a date; the own pace will do
        return 0.0
