"""Whether the language model is started as its engine takes it, and as the server asks for it.

`engine.py` has the arguments that the engine publishes, `placed.py` finds it among the files of the
platform.
"""

from collections.abc import Callable, Iterator
from pathlib import PurePosixPath
from urllib.parse import urlsplit

from engine.contract.read import load_contract

from .. import ROOT, Check
from . import engine, placed

PROMPT = 1000  # tokens for the instructions and the question, beside the passages
CONTRACT = ROOT / "contract.toml"


def checks() -> list[Check]:
    """What can be said of the files without a GPU and without the image."""
    return [
        Check(f"{engine.NAME} knows its arguments, and they are sound", _said(_arguments)),
        Check("it has its GPUs, its memory and a place for the model", _said(_place)),
        Check(f"the server asks it where it answers; {_told()}", _said(_asked)),
    ]


def _said(look: Callable[[], Iterator[str]]) -> Callable[[], list[str]]:
    def safe() -> list[str]:
        try:
            return list(look())
        except (OSError, ValueError, TypeError, KeyError, AttributeError, StopIteration) as error:
            return [f"it cannot be told: {type(error).__name__}: {error}"]

    return safe


def given() -> dict[str, str]:
    """The arguments by name; a flag without a value has an empty one."""
    found = placed.found()
    return dict(_pair(each) for each in found.arguments)


def _pair(argument: str) -> tuple[str, str]:
    name, _, value = argument.partition("=")
    return name, value


def _arguments() -> Iterator[str]:
    found = given()
    for name in found:
        if name.startswith("-") and name not in engine.FLAGS:
            yield f"{name} is no argument of {engine.NAME} ({engine.SOURCE})"
    for name in (engine.PORT, engine.TOKENS, *([engine.MODEL_NAME] if engine.MODEL_NAME else [])):
        if not found.get(name):
            yield f"{name} is missing"
    if "--revision" not in found or len(found["--revision"]) != 40:
        yield "--revision must be the 40 digits of a commit, so that nobody can exchange the model"
    answer = load_contract(CONTRACT).answer
    needed = answer.passage_tokens + answer.max_tokens + PROMPT
    if int(found.get(engine.TOKENS, "0")) < needed:
        yield (
            f"{engine.TOKENS} is {found.get(engine.TOKENS)}; answer.passage_tokens, "
            f"answer.max_tokens and {PROMPT} for the rest of the prompt ask for {needed}"
        )


def _place() -> Iterator[str]:
    found, arguments = placed.found(), given()
    wanted = int(arguments.get(engine.GPUS, "0"))
    if wanted != found.gpus:
        yield f"{engine.GPUS} is {wanted}, but it gets {found.gpus} GPUs"
    if "@sha256:" not in found.image:
        yield f"the image {found.image} must end in @sha256:, so that nobody can exchange it"
    if not found.shared_memory:
        yield "it has no shared memory of its own, by which the processes of several GPUs talk"
    kept = PurePosixPath(found.environment.get("HF_HOME", "/"))
    if not any(kept.is_relative_to(mount) for mount in found.kept):
        yield f"HF_HOME is {kept}, where no volume is: each start would download the model again"
    for name, path in found.probes.items():
        if path != engine.HEALTH:
            yield f"{name} asks {path}; {engine.NAME} answers {engine.HEALTH}"


def _asked() -> Iterator[str]:
    found, port = placed.found(), int(given().get(engine.PORT, "0"))
    if port != found.port:
        yield f"{engine.PORT} is {port}, but the container is asked at {found.port}"
    for url in found.asked:
        at = urlsplit(url)
        if at.hostname != found.host or at.port != found.port or at.path.rstrip("/") != "/v1":
            yield f"APP_LLM_URL is {url}; it answers at http://{found.host}:{found.port}/v1"
    if not found.asked:
        yield "no server is told APP_LLM_URL, so nobody asks it"
    if f"{found.host.partition('.')[0]}:{found.port}" not in found.scraped:
        yield f"nobody reads {engine.METRICS} of it"
    named, served = load_contract(CONTRACT).answer.model, given().get(engine.MODEL_NAME, "")
    if named and served and named != served:
        yield f"answer.model in contract.toml is {named!r}, but it serves {served!r}"


def _told() -> str:
    """Whether answers come from it, which is nothing that could be wrong on the first day."""
    try:
        named = load_contract(CONTRACT).answer.model
    except Exception:  # said by the command that reads the contract
        named = ""
    where = "answer.model in contract.toml"
    return f"{where} names {named}" if named else f"nobody asks before {where} names it"
