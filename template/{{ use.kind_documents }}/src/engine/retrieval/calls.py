"""Calls to a service elsewhere: attempts, waits and answers share one deadline.

What is refused for now (429, 5xx) or does not come is asked for again; what is refused for good is
not.
"""

import asyncio
import random
from collections.abc import Mapping
from typing import Any

import httpx

AGAIN = frozenset({408, 409, 425, 429, 500, 502, 503, 504})


class CallError(Exception):
    """It gave nothing that can be used; the text says why, in a few words.

    `kind` names what went wrong by one of a few: a status, `timeout`, a class of errors.
    """

    def __init__(self, text: str, kind: str) -> None:
        super().__init__(text)
        self.kind = kind


class Calls:
    """Calls with one key; use it on one event loop, and close it there."""

    def __init__(self, key: str, attempts: int, at_once: int) -> None:
        self._attempts = max(1, attempts)
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        limits = httpx.Limits(max_connections=max(1, at_once))
        self._client = httpx.AsyncClient(headers=headers, limits=limits)
        self._turns = asyncio.Semaphore(max(1, at_once))

    async def post(
        self, url: str, body: Any, seconds: float, headers: Mapping[str, str] | None = None
    ) -> bytes:
        """The body of a good answer, asked for as often as there is time and attempts.

        Raises CallError.
        """
        trouble, wait, kind = "it did not answer in time", 0.0, "timeout"
        try:
            async with asyncio.timeout(max(seconds, 0.001)), self._turns:
                for attempt in range(self._attempts):
                    if attempt:
                        await asyncio.sleep(wait)
                    wait = random.uniform(0.5, 1) * 0.5 * 2**attempt
                    try:
                        reply = await self._client.post(
                            url, json=body, timeout=seconds, headers=headers
                        )
                    except (httpx.HTTPError, httpx.InvalidURL) as error:
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
            raise CallError(late, "timeout") from None
        raise CallError(trouble, kind)

    async def close(self) -> None:
        """End its connections."""
        await self._client.aclose()


def _asked_to_wait(reply: httpx.Response) -> float:
    try:
        return max(0.0, float(reply.headers.get("retry-after", "0")))
    except ValueError:  # a date; the own pace will do
        return 0.0
