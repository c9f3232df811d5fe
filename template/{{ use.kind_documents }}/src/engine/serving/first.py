"""The first answer of a server that just came up, how to ask for it, and what to open."""

import httpx

from engine.answering.shown import lines
from engine.core.errors import ProjectError
from engine.core.settings import Settings
from engine.core.terminal import say
from engine.serving.http.curl import command
from engine.serving.model import PATHS

SECONDS = 60.0


def show(url: str, settings: Settings, *, goes_on: bool) -> None:
    """Ask the server at `url`, print question and answer, and the pages to open."""
    headers = {"X-API-Key": settings.api_key} if settings.api_key else {}
    try:
        with httpx.Client(base_url=url, headers=headers, timeout=SECONDS) as client:
            about = client.get("/v1/model").raise_for_status().json()
            described = client.get("/openapi.json").raise_for_status().json()
            body = described["paths"][PATHS.answer.path]["post"]["requestBody"]["content"]
            asked = body["application/json"]["examples"]["example"]["value"]
            answer = client.post(PATHS.answer.path, json=asked).raise_for_status().json()
    except (httpx.HTTPError, ValueError, KeyError) as error:
        raise ProjectError(f"the server does not answer: {error}") from None
    counted = f"{about['documents']} documents, {about['passages']} passages"
    print(f"\nversion {about['version']} answers at {url} from {counted}\n", flush=True)
    print(command(f"{url}{PATHS.answer.path}", asked, with_key=bool(settings.api_key)))
    print()
    say("\n".join(lines(answer)))
    print(flush=True)
    if goes_on:
        if settings.pages:
            print(f"{'a page to ask':<18} {url}/\n{'how to ask':<18} {url}/docs\n")
        print('in a terminal: python3 run.py ask "..."; to stop: Ctrl-C', flush=True)
