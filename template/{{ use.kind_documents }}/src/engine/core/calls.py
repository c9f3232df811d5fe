"""Calls to a service elsewhere: attempts, waits and answers share one deadline.

What is refused for now (429, 5xx) or does not come is asked for again; what is refused for good is
not.
"""

import asyncio
import random
from typing import Any

import httpx

AGAIN = frozenset({408, 409, 425, 429, 500, 502, 503, 504})


class CallError(Exception):
    """It gave nothing that can be used; the text says why, in a few words.

    `status` is what it answered, if it did.
    """

    def __init__(self, told: str, status: int = 0) -> None:
        super().__init__(told)
        self.status = status


class Calls:
    """Calls with one key; use it on one event loop, and close it there."""

    def __init__(self, key: str, attempts: int, at_once: int) -> None:
        self._attempts = max(1, attempts)
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        limits = httpx.Limits(max_connections=max(1, at_once))
        self._client = httpx.AsyncClient(headers=headers, limits=limits)
        self._turns = asyncio.Semaphore(max(1, at_once))

    async def post(self, url: str, body: Any, seconds: float) -> bytes:
        """The body of a good answer, asked for as often as there is time and attempts.

        Raises CallError.
        """
        trouble, wait, status = "it did not answer in time", 0.0, 0
        try:
            async with asyncio.timeout(max(seconds, 0.001)), self._turns:
                for attempt in range(self._attempts):
                    if attempt:
                        await asyncio.sleep(wait)
                    wait = random.uniform(0.5, 1) * 0.5 * 2**attempt
                    try:
                        reply = await self._client.post(url, json=body, timeout=seconds)
                    except (httpx.HTTPError, httpx.InvalidURL) as error:
                        trouble = f"it cannot be reached ({type(error).__name__})"
                        continue
                    if reply.is_success:
                        return reply.content
                    status = reply.status_code
                    trouble = f"it answered {status}"
                    if status not in AGAIN:
                        break
                    wait = max(wait, _asked_to_wait(reply))
        except TimeoutError:
            raise CallError(f"no answer within the time there is; {trouble}", status) from None
        raise CallError(trouble, status)

    async def close(self) -> None:
        """End its connections."""
        await self._client.aclose()


def _asked_to_wait(reply: httpx.Response) -> float:
    try:
        return max(0.0, float(reply.headers.get("retry-after", "0")))
    except ValueError:  # a date; the own pace will do
        return 0.0
