"""What is known of an entity now, from Feast's feature server.

Every option offers OnlineStore and example_keys. Without an address in the settings, the server is
one of our own: Feast's, beside this process, over the local online store.
"""

import asyncio
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import httpx

from engine.core.errors import ProjectError, StorageError
from engine.core.settings import Settings
from engine.features import protocol
from engine.features.feast_worker import worker
from engine.features.lookup import Found

EXAMPLES = Path("features/examples.json")
SINCE = "known_since"
NO_MOMENT = -(2**63)  # what Feast's server makes of a missing moment
WAY_OUT = "materialize them with: python3 run.py materialize"


class OnlineStore(protocol.OnlineStore):
    """Latest values by table and key; `refresh` first, and again to see that it still answers."""

    def __init__(self, settings: Settings) -> None:
        self._given = settings.feature_store.rstrip("/")
        self._url = self._given
        self._http: httpx.Client | None = None
        self._warm: set[str] = set()

    @property
    def examples(self) -> dict[str, str]:
        """An entity of each kind that has values, by its column."""
        return _examples()

    def refresh(self) -> str:
        """Look whether the feature server answers; what is wrong, or nothing."""
        self._http = self._http or httpx.Client(timeout=10)
        try:
            if not self._given:
                told = worker.ask("serve")
                self._url = f"http://127.0.0.1:{told['port']}"
                if not told["views"]:
                    return f"no feature values are there yet; {WAY_OUT}"
                for view in told["views"].keys() - self._warm:
                    self._find(view, [""], told["views"][view])  # the first one takes a second
                    self._warm.add(view)
            self._http.get(f"{self._url}/health").raise_for_status()
        except (ProjectError, httpx.HTTPError, httpx.InvalidURL) as error:
            return f"the feature server cannot be asked: {error}"
        return ""

    async def find(self, table: str, keys: Sequence[str], entity: str) -> list[Found | None]:
        """The values of each key, None where there are none."""
        return await asyncio.to_thread(self._find, table, keys, entity)

    def close(self) -> None:
        """Close the connections; a server of our own ends with this process."""
        if self._http:
            self._http.close()
            self._http = None

    def _find(self, table: str, keys: Sequence[str], entity: str) -> list[Found | None]:
        if self._http is None or not self._url:
            raise StorageError(f"no feature values are there yet; {WAY_OUT}")
        question = {"feature_service": table, "entities": {entity: list(keys)}}
        try:
            reply = self._http.post(f"{self._url}/get-online-features", json=question)
        except httpx.HTTPError as error:
            raise StorageError(f"the feature server cannot be asked: {error}") from None
        if reply.status_code != 200:
            raise StorageError(
                f"the feature server answers {reply.status_code} for the table {table}; {WAY_OUT}"
            )
        told = reply.json()
        names = told["metadata"]["feature_names"]
        values = (list(map(_value, result["values"])) for result in told["results"])
        columns = dict(zip(names, values, strict=True))
        found: list[Found | None] = []
        for number, since in enumerate(columns[SINCE]):
            row = {name: column[number] for name, column in columns.items()}
            found.append(None if since is None else Found(since, row))
        return found


def _value(value: Any) -> Any:
    return None if value == NO_MOMENT else value


def example_keys(settings: Settings) -> dict[str, str]:
    """An entity of each kind that has values, by its column: for a request worth showing."""
    return {} if settings.feature_store else _examples()


def _examples() -> dict[str, str]:
    try:
        found = json.loads(EXAMPLES.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return dict(found)
