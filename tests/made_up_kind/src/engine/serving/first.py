"""The first answer of a server that just came up."""

import httpx

from engine.core.settings import Settings


def show(url: str, settings: Settings, *, goes_on: bool) -> None:
    """Ask the server, and print what it says."""
    del settings, goes_on
    reply = httpx.post(f"{url}/v1/echo", json={"texts": ["predict"]})
    print(reply.raise_for_status().text, flush=True)
