"""The prediction log in S3, against a stand-in: whole objects, and refusals that name nothing."""

from pathlib import Path

import fsspec
import pytest

from engine.core.storage import Storage
from engine.monitoring.source import Stored
from engine.serving.prediction_log import PredictionLog

from . import test_s3
from .object_store_checks import BUCKET, NOWHERE

server = test_s3.server
told = test_s3.TestStore().told


@pytest.fixture
def url(server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A folder of a bucket that is there."""
    for name, value in told(server).items():
        monkeypatch.setenv(name, value)
    fsspec.get_filesystem_class("s3").clear_instance_cache()
    place = Storage(f"s3://{BUCKET}/{tmp_path.name}")
    if not place.fs.exists(BUCKET):
        place.fs.mkdir(BUCKET)
    return place.url


def test_what_servers_wrote_is_what_monitor_reads(url: str) -> None:
    dropped: list[int] = []
    servers = [PredictionLog(url, 1, dropped.append) for _ in range(2)]
    for server_log in servers:
        server_log.start()
    for number in range(200):
        servers[number % 2].add("predictions", [{"id": str(number)}])
        if not number % 50:
            servers[number % 2].flush()
    servers[0].keep("outcomes", [{"id": "0"}])
    assert list(Stored(url).lines("outcomes")) == [b'{"id":"0"}']  # before it was accepted
    for server_log in servers:
        server_log.stop()

    lines = list(Stored(url).lines("predictions"))
    assert sorted(lines) == sorted(b'{"id":"%d"}' % number for number in range(200))
    assert len(list(Stored(url).lines("predictions", "99991231"))) == 0
    assert dropped == []


def test_a_store_that_is_away_refuses_outcomes_and_counts_predictions(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    dropped: list[int] = []
    for name, value in told(NOWHERE).items():
        monkeypatch.setenv(name, value)
    fsspec.get_filesystem_class("s3").clear_instance_cache()
    log = PredictionLog(url, 1, dropped.append)

    with pytest.raises(OSError, match="does not take them") as said:
        log.keep("outcomes", [{"id": "0"}])
    log.add("predictions", [{"id": "1"}])
    log.flush()

    assert BUCKET not in str(said.value)
    assert dropped == [1]
    assert not log.is_writable


def test_many_objects_are_read_at_once(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    store, seen = Storage(url), 0
    for number in range(70):
        store.write(f"predictions-20260131/{number:03}.jsonl", b'{"id":"%d"}\n' % number)

    def count(self: Storage, names: list[str]) -> object:
        nonlocal seen
        seen += 1
        return read_all(self, names)

    read_all = Storage.read_all
    monkeypatch.setattr(Storage, "read_all", count)

    assert len(set(Stored(url).lines("predictions"))) == 70
    assert seen == 3
