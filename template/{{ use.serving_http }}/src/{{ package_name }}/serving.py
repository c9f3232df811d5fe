"""How predictions get out: over HTTP. The seam that `up` ends in."""

import shlex

import msgspec

from . import contract, examples, serve
from .client import Client, ClientError
from .errors import ProjectError
from .online_store import example_keys
from .settings import Settings


def up(settings: Settings, once: bool) -> int:
    """Start the server, show one prediction and how to ask for it, go on until Ctrl-C.

    With `once` it stops after the prediction.
    """

    def show(url: str) -> None:
        rows = examples.requests(contract.load(), keys=example_keys(settings))
        try:
            with Client(url, api_key=settings.api_key, deadline=5) as client:
                version = client.about()["version"]
                answer = client.predict(rows)
        except ClientError as error:
            raise ProjectError(f"the server does not answer: {error}") from None
        print(f"\nversion {version} answers at {url}\n", flush=True)
        print(curl(url, rows, with_key=bool(settings.api_key)))
        print(f"\n{msgspec.json.format(msgspec.json.encode(answer), indent=2).decode()}\n")
        if not once:
            print("without curl: python run.py predict; to stop: Ctrl-C", flush=True)

    return serve.run(settings, show, once=once)


def curl(url: str, rows: list[dict[str, object]], *, with_key: bool) -> str:
    """The command that asks for these rows, for a POSIX shell."""
    body = shlex.quote(msgspec.json.encode({"rows": rows}).decode())
    key = ' \\\n  -H "X-API-Key: $APP_API_KEY"' if with_key else ""
    return (
        f"curl -s {url}/v1/predict{key} \\\n  -H 'Content-Type: application/json' \\\n  -d {body}"
    )
