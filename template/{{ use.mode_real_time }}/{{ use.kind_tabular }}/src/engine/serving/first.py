"""The first prediction of a server that just came up, how to ask for it, and what to open."""

from pathlib import Path

import msgspec

from engine.contract import example_rows
from engine.contract.read import load_contract
from engine.core.errors import ProjectError
from engine.core.settings import Settings
from engine.features.lookup import example_keys
from engine.serving.client import Client, ClientError
from engine.serving.http.curl import command
from engine.serving.model import REPORTS

EXAMPLE = Path("reports/example.json")  # where a question too long for a terminal is kept


def show(url: str, settings: Settings, *, goes_on: bool) -> None:
    """Ask the server at `url`, print question and answer, and the pages to open."""
    contract = load_contract()
    rows = example_rows.requests(contract, keys=example_keys(contract, settings))
    try:
        with Client(url, api_key=settings.api_key, deadline=5) as client:
            version = client.about()["version"]
            answer = client.predict(rows)
    except ClientError as error:
        raise ProjectError(f"the server does not answer: {error}") from None
    print(f"\nversion {version} answers at {url}\n", flush=True)
    asked, with_key = {"rows": rows}, bool(settings.api_key)
    print(command(f"{url}/v1/predict", asked, with_key=with_key, file=EXAMPLE))
    print(f"\n{msgspec.json.format(msgspec.json.encode(answer), indent=2).decode()}\n")
    if goes_on:
        print("\n".join(links(url, settings)))
        print("\nwithout curl: python3 run.py predict; to stop: Ctrl-C", flush=True)


def links(url: str, settings: Settings) -> list[str]:
    """The pages that a browser may open now, each with what it is."""
    if not settings.pages:
        return []
    found = [f"{'a form':<18} {url}/", f"{'how to ask':<18} {url}/docs"]
    if not settings.is_local and not settings.api_key:  # nothing that a click would open
        return found
    for report in REPORTS:
        is_made = Path(report.file).exists()
        where = f"{url}{report.path}" if is_made else f"(not made yet: {report.made_by})"
        found.append(f"{report.title.lower():<18} {where}")
    return found
