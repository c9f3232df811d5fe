"""Feast for this project: its own command line, and a worker that the package talks to.

    python3 run.py feast ARGUMENTS   the command line, over feature_store.yaml
    python3 run.py feast --worker    requests and replies as JSON lines on stdin and stdout

It imports nothing of the package: what the contract says of the tables comes with each request.
"""

import json
import os
import signal
import socket
import sys
import threading
import time
import warnings
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

os.environ["FEAST_USAGE"] = "False"  # nothing is sent to anybody
CONFIG = Path(__file__).with_name("feature_store.yaml")
BEGINNING = datetime.fromisoformat("1900-01-01T00:00:00+00:00")
MOMENT = "event_timestamp"  # what Feast calls it in a table of events


class Place:
    """The feature store of one project folder."""

    def __init__(self, folder: str) -> None:
        from feast import FeatureStore

        self.folder = Path(folder)
        (self.folder / "features").mkdir(exist_ok=True)
        self.store = FeatureStore(repo_path=folder, fs_yaml_file=CONFIG)
        self.port = 0
        self._applied: list[Any] | None = None

    def apply(self, tables: list[Any]) -> None:
        """Make Feast know the entities, views and services that the contract asks for."""
        if tables == self._applied:
            return
        self.store.apply([part for table in tables for part in definitions(table)])
        self._applied = tables

    def historical(self, tables: list[Any], files: list[list[str]]) -> None:
        """Join each file of events with its table; the answer goes to the file beside it."""
        import pandas as pd
        import pyarrow as pa
        import pyarrow.parquet as pq

        self.apply(tables)
        for table, (asked, answer) in zip(tables, files, strict=True):
            events = pd.read_parquet(asked)
            service = self.store.get_feature_service(table["name"])
            found = self.store.get_historical_features(events, service).to_df()
            # The file store leaves out rows for which nothing was known yet.
            whole = events[["position"]].merge(found, on="position", how="left")
            schema = pq.read_schema(self.folder / table["file"])
            columns = {name: pa.array(whole[name], from_pandas=True) for name in table["features"]}
            kinds = {name: schema.field(name).type for name in columns}
            columns = {name: column.cast(kinds[name]) for name, column in columns.items()}
            pq.write_table(pa.table(columns), answer)

    def materialize(self, tables: list[Any], until: str) -> dict[str, int]:
        """Bring the online store up to date; says how many entities each table has."""
        import pyarrow.compute as pc
        import pyarrow.parquet as pq

        self.apply(tables)
        end = datetime.fromisoformat(until)
        self.store.materialize(BEGINNING, end, feature_views=[table["name"] for table in tables])
        counts = {}
        for table in tables:
            rows = pq.read_table(self.folder / table["file"], columns=[table["entity"], MOMENT])
            rows = rows.filter(pc.less_equal(rows[MOMENT], end))
            counts[table["name"]] = pc.count_distinct(rows[table["entity"]]).as_py()
        return counts

    def serve(self) -> dict[str, Any]:
        """Start Feast's own feature server once; its port, and the entity of every view."""
        if not self.port:
            import uvicorn
            from feast.feature_server import get_app

            listener = socket.create_server(("127.0.0.1", 0))
            config = uvicorn.Config(get_app(self.store), log_level="critical")
            server = uvicorn.Server(config)
            threading.Thread(target=server.run, args=([listener],), daemon=True).start()
            while not server.started:
                time.sleep(0.01)
            self.port = listener.getsockname()[1]
        self.store.refresh_registry()
        views = {view.name: view.entities[0] for view in self.store.list_feature_views()}
        return {"port": self.port, "views": views}


def definitions(table: dict[str, Any]) -> list[Any]:
    """The entity, the view and the service of one table of the contract."""
    from feast import Entity, FeatureService, FeatureView, Field, FileSource, ValueType
    from feast.types import Bool, Float64, Int64, String, UnixTimestamp

    kinds = {"number": Float64, "integer": Int64, "boolean": Bool, "datetime": UnixTimestamp}
    entity = Entity(name=table["entity"], value_type=ValueType.STRING)
    fields = [
        Field(name=name, dtype=kinds.get(kind, String), description=text)
        for name, (kind, text) in table["features"].items()
    ]
    view = FeatureView(
        name=table["name"],
        description=table["description"],
        entities=[entity],
        ttl=timedelta(seconds=table["max_age"] or 0),  # none means for ever
        schema=[Field(name=table["entity"], dtype=String), *fields],
        source=FileSource(name=table["name"], path=table["file"], timestamp_field=MOMENT),
    )
    return [entity, view, FeatureService(name=table["name"], features=[view])]


def work() -> None:
    """Answer requests until stdin is closed, which happens when whoever asks is gone."""
    replies = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # Feast prints its progress
    warnings.simplefilter("ignore")
    places: dict[str, Place] = {}
    for line in sys.stdin:
        request = json.loads(line)
        folder, do = request.pop("folder"), request.pop("do")
        try:
            if folder not in places:
                places[folder] = Place(folder)
            reply = {"found": getattr(places[folder], do)(**request)}
        except Exception as error:  # whatever Feast and its stores raise
            reply = {"error": f"{type(error).__name__}: {error}"}
        print(json.dumps(reply), file=replies, flush=True)
    os._exit(0)  # the feature server's threads have nobody left to answer


if __name__ == "__main__":
    if sys.argv[1:] == ["--worker"]:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for whoever asks
        work()
    from feast.cli.cli import cli

    cli(["--feature-store-yaml", str(CONFIG), *sys.argv[1:]], prog_name="run.py feast")
