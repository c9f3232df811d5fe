"""The first prediction of a server that just came up, and how to ask for it."""

import shlex

import msgspec

from engine.contract import example_rows
from engine.contract.read import load_contract
from engine.core.errors import ProjectError
from engine.core.settings import Settings
from engine.features.lookup import example_keys
from engine.serving.client import Client, ClientError


def show(url: str, settings: Settings, *, goes_on: bool) -> None:
    """Ask the server at `url`, and print question and answer."""
    contract = load_contract()
    rows = example_rows.requests(contract, keys=example_keys(contract, settings))
    try:
        with Client(url, api_key=settings.api_key, deadline=5) as client:
            version = client.about()["version"]
            answer = client.predict(rows)
    except ClientError as error:
        raise ProjectError(f"the server does not answer: {error}") from None
    print(f"\nversion {version} answers at {url}\n", flush=True)
    print(curl(url, rows, with_key=bool(settings.api_key)))
    print(f"\n{msgspec.json.format(msgspec.json.encode(answer), indent=2).decode()}\n")
    if goes_on:
        print("without curl: python3 run.py predict; to stop: Ctrl-C", flush=True)


def curl(url: str, rows: list[dict[str, object]], *, with_key: bool) -> str:
    """The command that asks for these rows, for a POSIX shell."""
    body = shlex.quote(msgspec.json.encode({"rows": rows}).decode())
    key = ' \\\n  -H "X-API-Key: $APP_API_KEY"' if with_key else ""
    return (
        f"curl -s {url}/v1/predict{key} \\\n  -H 'Content-Type: application/json' \\\n  -d {body}"
    )
