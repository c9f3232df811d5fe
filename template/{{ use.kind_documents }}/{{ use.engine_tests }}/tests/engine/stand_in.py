"""An endpoint that says what a test tells it to: slow, wrong, cut off, down, or busy at first.

A server of the standard library speaks the OpenAI interface, so nothing of a client is replaced.
"""

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Json = dict[str, Any]
Step = Callable[[BaseHTTPRequestHandler, Json], None]


class StandIn(ThreadingHTTPServer):
    """Plays its steps one after the other, and the last one again and again."""

    daemon_threads = True

    def __init__(self, *steps: Step) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.steps = list(steps)
        self.asked: list[Json] = []
        self.keys: list[str] = []

    @property
    def url(self) -> str:
        """The base URL, as llm_url in settings.toml has it."""
        return f"http://127.0.0.1:{self.server_port}/v1"


class _Handler(BaseHTTPRequestHandler):
    server: StandIn

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        self.server.asked.append({"path": self.path, **body})
        self.server.keys.append(self.headers.get("authorization", ""))
        step = self.server.steps.pop(0) if len(self.server.steps) > 1 else self.server.steps[0]
        step(self, body)

    def log_message(self, *_: Any) -> None:
        """Nothing."""


@contextmanager
def playing(*steps: Step) -> Iterator[StandIn]:
    """A running stand-in."""
    server = StandIn(*steps)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def says(content: Any, finish: str = "stop", usage: bool = True) -> Step:
    """A chat's answer; what is no text is sent as JSON."""
    text = content if isinstance(content, str) else json.dumps(content)
    choice = {
        "index": 0,
        "message": {"role": "assistant", "content": text},
        "finish_reason": finish,
    }
    counted = {"prompt_tokens": 100, "completion_tokens": 20, "total_tokens": 120}
    return sends(200, {"choices": [choice], **({"usage": counted} if usage else {})})


def claims(answer: str, *citations: tuple[int, str], refused: bool = False) -> Step:
    """A chat's answer of the form that is asked for."""
    cited = [{"passage": number, "quote": quote} for number, quote in citations]
    return says({"answer": answer, "refused": refused, "citations": cited})


def served_by(engine: str, model: str, claim: Json) -> Step:
    """A chat's answer as vLLM, SGLang or TGI gives it, and their refusals.

    vLLM knows only its own model, TGI reads no name; TGI takes a schema as `value`, the others as
    OpenAI does. From vLLM's structured outputs and OpenAI server (docs.vllm.ai, 0.30), SGLang's
    structured outputs (docs.sglang.io), and router/src/lib.rs of TGI at db931fcf42da.
    """

    def step(handler: BaseHTTPRequestHandler, body: Json) -> None:
        form = body["response_format"]
        assert form["type"] == "json_schema"
        key = "value" if engine == "tgi" else "json_schema"
        if engine == "vllm" and body["model"] != model:
            told = f"The model `{body['model']}` does not exist."
            error = {"message": told, "type": "NotFoundError", "param": "model", "code": 404}
            sends(404, {"error": error})(handler, body)
        elif "schema" not in form.get(key, {}):
            told = f"Failed to deserialize the JSON body: response_format: missing field `{key}`"
            sends(422 if engine == "tgi" else 400, told.encode())(handler, body)
        else:
            sends(200, _as(engine, model, json.dumps(claim)))(handler, body)

    return step


def _as(engine: str, model: str, text: str) -> Json:
    """What the engines have beside OpenAI's fields."""
    message: Json = {"role": "assistant", "content": text}
    choice: Json = {"index": 0, "message": message, "logprobs": None, "finish_reason": "stop"}
    usage: Json = {"prompt_tokens": 100, "completion_tokens": 20, "total_tokens": 120}
    head = {"id": "x", "object": "chat.completion", "created": 1700000000, "model": model}
    more: Json = {}
    if engine == "vllm":
        message |= {"refusal": None, "tool_calls": [], "reasoning": None}
        choice["stop_reason"] = None
        usage["prompt_tokens_details"] = None
        more = {"service_tier": None, "prompt_logprobs": None, "kv_transfer_params": None}
    elif engine == "sglang":
        message |= {"reasoning_content": None, "tool_calls": None}
        choice["matched_stop"] = 151645
        usage |= {"prompt_tokens_details": None, "reasoning_tokens": 0}
        more = {"metadata": {"weight_version": "default"}}
    elif engine == "tgi":
        more = {"system_fingerprint": "3.3.6-dev0-sha-db931fc"}
    return {**head, **more, "choices": [choice], "usage": usage}


def encodes(vector: Callable[[str], list[float]]) -> Step:
    """An encoder's answer."""

    def step(handler: BaseHTTPRequestHandler, body: Json) -> None:
        rows = [{"index": i, "embedding": vector(text)} for i, text in enumerate(body["input"])]
        sends(200, {"data": rows[::-1]})(handler, body)

    return step


def encoded_by(server: str, model: str, vector: Callable[[str], list[float]]) -> Step:
    """An encoder's answer as vLLM, TEI or infinity gives it, and their refusals.

    vLLM knows only its own model; TEI takes 32 texts in a call unless it is told otherwise
    (--max-client-batch-size) and reads no name. From their OpenAPI descriptions.
    """

    def step(handler: BaseHTTPRequestHandler, body: Json) -> None:
        texts = body["input"]
        assert body["encoding_format"] == "float"
        if server == "vllm" and body["model"] != model:
            told = f"The model `{body['model']}` does not exist."
            sends(404, {"error": {"message": told, "code": 404}})(handler, body)
        elif server == "tei" and len(texts) > 32:
            told = f"batch size {len(texts)} > maximum allowed batch size 32"
            sends(422, {"message": told, "type": "Validation"})(handler, body)
        else:
            rows = [
                {"object": "embedding", "index": place, "embedding": vector(text)}
                for place, text in enumerate(texts)
            ]
            used = {"prompt_tokens": 9, "total_tokens": 9}
            sends(200, {"object": "list", "data": rows, "model": model, "usage": used})(
                handler, body
            )

    return step


def sends(status: int, content: Any, **headers: str) -> Step:
    """This status with this JSON; headers with underscores for dashes."""

    def step(handler: BaseHTTPRequestHandler, _: Json) -> None:
        body = content if isinstance(content, bytes) else json.dumps(content).encode()
        handler.send_response(status)
        for name, value in headers.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.send_header("content-length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)

    return step


def slow(seconds: float, then: Step) -> Step:
    """The same, later."""

    def step(handler: BaseHTTPRequestHandler, body: Json) -> None:
        time.sleep(seconds)
        try:
            then(handler, body)
        except OSError:  # nobody waits any more
            handler.close_connection = True

    return step


def breaks(handler: BaseHTTPRequestHandler, _: Json) -> None:
    """Half an answer, and the end of the connection."""
    handler.send_response(200)
    handler.send_header("content-length", "1000")
    handler.end_headers()
    handler.wfile.write(b'{"choices": [{"mess')
    handler.close_connection = True
