"""The verb `ask`: a question to the running server, or to the champion where none runs."""

import argparse
import asyncio
import sys
from typing import Any

import httpx

from engine.answering.answerer import Answerer, Asked
from engine.answering.language_model.endpoint import Endpoint
from engine.answering.shown import lines
from engine.core.errors import ProjectError
from engine.core.settings import Settings, load_settings
from engine.core.storage import Storage
from engine.core.terminal import say
from engine.registry.registry import Registry
from engine.retrieval import rerank
from engine.serving.model import PATHS

Json = dict[str, Any]


def main(argv: list[str]) -> int:
    """Answer a question, with what it rests on."""
    config = load_settings()
    parser = argparse.ArgumentParser(prog="run.py ask", description=main.__doc__)
    parser.add_argument("question")
    parser.add_argument("--url", default="", help="of another server than this machine's")
    options = parser.parse_args(argv[1:])
    url = options.url or f"http://{config.host}:{config.port}"
    answer = _served(url, options.question, config)
    if answer is None:
        if options.url:
            raise ProjectError(f"no server answers at {url}")
        say(f"no server answers at {url}: the champion of {config.store} is asked", sys.stderr)
        answer = asyncio.run(_champion(options.question, config))
    say("\n".join(lines(answer)))
    return 0


def _served(url: str, question: str, config: Settings) -> Json | None:
    """The answer of a server; None where none listens."""
    headers = {"X-API-Key": config.api_key} if config.api_key else {}
    seconds = (config.lookup_ms + config.deadline_ms) / 1000 + 5
    try:
        reply = httpx.post(
            url + PATHS.answer.path, json={"question": question}, headers=headers, timeout=seconds
        )
    except httpx.HTTPError:
        return None
    try:
        content: Json = reply.json()
    except ValueError:
        raise ProjectError(f"{url} answered {reply.status_code} and no JSON") from None
    if not reply.is_success:
        raise ProjectError(f"{url} refused: {content.get('detail', reply.status_code)}")
    return content


async def _champion(question: str, config: Settings) -> Json:
    _, bundle = Registry(Storage(config.store)).load()
    answerer, asked = Answerer(bundle, config), Asked(question)
    if answerer.asks:
        endpoint = Endpoint(config) if config.llm_url + config.encoder_url else None
        reranker = rerank.of_version(bundle.files, config, bundle.contract.retrieval)
        try:
            asked = await answerer.prepare(question, endpoint, config.lookup_ms / 1000, reranker)
        finally:
            if endpoint:
                await endpoint.close()
            if reranker:
                await reranker.close()
    return answerer.answer(asked)
