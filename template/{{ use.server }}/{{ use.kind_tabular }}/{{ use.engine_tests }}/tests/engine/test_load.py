"""The verb load: a stall counts for all who were due in it, and what is no good answer is told."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from engine.core.errors import GateFailed, ProjectError, SettingsError
from tools.load import __main__ as load
from tools.load import drive

from .http_server import in_thread
from .made_up import inside

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"
BROKEN = b"HTTP/1.1 500 Broken\r\nContent-Length: 0\r\n\r\n"
Reply = Callable[[int], Awaitable[bytes]]


async def at(reply: Reply, how: Callable[[drive.Target], Awaitable[drive.Measured]]) -> Any:
    """What is measured on a server that answers request number n with `reply(n)`."""
    count = 0

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal count
        while (await reader.read(1000)).endswith(b"body"):
            count += 1
            answer = await reply(count)
            writer.write(answer)
            if not answer:
                break
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    measured = await how(drive.Target(f"http://127.0.0.1:{port}", [b"body"], {}))
    server.close()
    return measured


def test_a_stall_counts_for_everybody_who_was_due_in_it() -> None:
    """The server sleeps once for 0.5 s of 1; whoever only times what was sent sees one of 100."""

    async def reply(number: int) -> bytes:
        if number == 20:
            time.sleep(0.5)  # the whole server, not one of its connections
        return OK

    measured = asyncio.run(at(reply, lambda target: drive.at_rate(target, 100, 1)))

    assert len(measured.latencies) == 100
    assert sum(latency > 0.1 for latency in measured.latencies) >= 30
    assert measured.percentile(0.99) > 0.4
    assert measured.failed == 0


def test_errors_and_lost_connections_are_no_answers() -> None:
    async def reply(number: int) -> bytes:
        return BROKEN if number % 10 == 0 else b"" if number % 25 == 1 else OK

    measured = asyncio.run(at(reply, lambda target: drive.at_rate(target, 200, 0.5)))

    assert measured.statuses == {200: 86, 500: 10}
    assert measured.errors == {"the connection ended before the answer": 4}
    assert measured.failed == 14
    assert "p99 never" in load.table(measured)
    with pytest.raises(GateFailed, match="14 of 100 requests got no answer of the model"):
        load.judge(measured, 1e6)


def test_an_answer_that_never_comes_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(drive, "PATIENCE", 0.3)

    async def reply(number: int) -> bytes:
        await asyncio.sleep(0 if number % 2 else 1)
        return OK

    measured = asyncio.run(at(reply, lambda target: drive.at_rate(target, 20, 0.5)))

    assert measured.errors == {"no answer within 0.3 s": 5}
    assert measured.statuses == {200: 5}


def test_callers_wait_for_their_answers() -> None:
    async def reply(_: int) -> bytes:
        await asyncio.sleep(0.05)
        return OK

    measured = asyncio.run(at(reply, lambda target: drive.one_after_another(target, 4, 0.5)))

    assert 4 <= len(measured.latencies) <= 44  # 4 callers, each 10 times and once at the end
    assert measured.percentile(0.01) >= 0.05


@pytest.mark.parametrize(("every", "verdict"), [(200, True), (20, False)])
def test_an_answer_of_the_fallback_is_none_of_the_model(
    every: int, verdict: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    """As many as one of 100 may be; the percentile says so."""
    text = b'[{"id":"a","fallback":true}]'

    async def reply(number: int) -> bytes:
        found = text if number % every == 0 else b"{}"
        return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(found), found)

    measured = asyncio.run(at(reply, lambda target: drive.at_rate(target, 400, 0.5)))

    assert measured.fallbacks == 200 // every
    if verdict:
        load.judge(measured, 1e6)
        assert "1 of 200 requests got no answer of the model" in capsys.readouterr().out
    else:
        with pytest.raises(GateFailed, match=r"p99 never.* 10 of 200 requests got no answer"):
            load.judge(measured, 1e6)


def test_a_slow_server_is_over_the_budget() -> None:
    measured = drive.Measured(1.0, [0.01] * 98 + [0.2, 0.3], [0.0] * 100, {200: 100})

    load.judge(measured, 200)
    with pytest.raises(GateFailed, match=r"over the budget: p99 200\.0 ms, and p99_ms .* is 150"):
        load.judge(measured, 150)
    assert GateFailed.exit_code == 3


def test_a_program_that_is_late_itself_says_so() -> None:
    measured = drive.Measured(1.0, [0.3] * 100, [0.2] * 100, {200: 100})

    with pytest.raises(GateFailed, match=r"200\.0 ms of it may be this program's own"):
        load.judge(measured, 100)


@pytest.fixture(scope="module")
def server(trained: Path) -> Iterator[str]:
    """A real server for the champion of each contract."""
    with in_thread(trained / "store", prediction_log="", api_key="key", deadline_ms=1e5) as (
        client,
        _,
    ):
        yield str(client.base_url).rstrip("/")


@pytest.mark.parametrize("how", [("--rate", "40"), ("--concurrency", "2", "--rows", "3")])
def test_a_real_server_is_asked_for_rows_that_it_takes(
    server: str, trained: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any, how: tuple[str, ...]
) -> None:
    """Each contract takes what is made up from it; its budget is 11 days, so that load passes."""
    monkeypatch.setenv("APP_API_KEY", "key")
    monkeypatch.setenv("APP_PREDICTION_LOG", "")
    with inside(trained):
        assert load.main(["--url", server, "--seconds", "0.5", *how]) == 0

    said = capsys.readouterr().out
    assert "answers    200: " in said
    assert "no answer  0" in said
    assert "within the budget: p99 " in said
    assert "drift" not in said


def test_without_a_server_the_way_out_is_named(trained: Path) -> None:
    with inside(trained), pytest.raises(ProjectError, match=r"python3 run\.py serve"):
        load.main(["--url", "http://127.0.0.1:9", "--rate", "1"])


@pytest.mark.parametrize("how", [("--rate", "0"), ("--seconds", "nan"), ("--concurrency", "501")])
def test_figures_that_mean_nothing_are_refused(how: tuple[str, ...]) -> None:
    with pytest.raises(SettingsError, match=how[0]):
        load.main([*how])


def test_the_rate_is_the_busiest_moment_that_was_answered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SettingsError, match="no peak_rps"):
        load._options([])
    load.ANSWERS.write_text("p99_ms: 1\npeak_rps: 70\n", encoding="utf-8")

    assert load._options([]).rate == 70.0
