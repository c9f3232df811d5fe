"""Bodies are read without trust in their size or their speed."""

import asyncio
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from engine.serving.http import body, replies

LIMIT = 1000
HEADERS = [(b"content-type", b"application/json; charset=utf-8")]


def read(
    reader: Any, parts: Iterator[bytes], headers: Any = HEADERS, seen: Callable[[], Any] = int
) -> Any:
    """Read a body that arrives in parts and then breaks off; `seen` is called for each part."""

    async def receive() -> dict[str, Any]:
        await asyncio.sleep(0)
        seen()
        part = next(parts, None)
        if part is None:
            return {"type": "http.disconnect"}
        return {"type": "http.request", "body": part, "more_body": part != b"end"}

    return reader({"headers": headers}, receive)


def test_parts_are_put_together() -> None:
    assert asyncio.run(read(body.BodyReader(LIMIT), iter([b"a", b"b", b"end"]))) == b"abend"


def test_a_body_that_is_too_large_is_not_kept_while_it_is_swallowed() -> None:
    reader = body.BodyReader(LIMIT)
    held: list[int] = []

    with pytest.raises(replies.Refusal) as caught:
        asyncio.run(read(reader, iter([b"x" * 100] * 100), seen=lambda: held.append(reader._held)))

    assert caught.value.status == 413
    assert max(held) == LIMIT
    assert reader._held == 0


def test_what_says_it_is_huge_is_refused_unread() -> None:
    for length in (b"%d" % (LIMIT * 100), b"9" * 5000):
        headers = [*HEADERS, (b"content-length", length)]
        with pytest.raises(replies.Refusal) as caught:
            asyncio.run(read(body.BodyReader(LIMIT), iter([]), headers))
        assert caught.value.status == 413


def test_a_caller_that_leaves_leaves_nothing_behind() -> None:
    for parts in ([], [b"half"]):
        reader = body.BodyReader(LIMIT)
        with pytest.raises(body.Disconnected):
            asyncio.run(read(reader, iter(parts)))
        assert reader._held == 0


def test_too_many_half_arrived_bodies_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(body, "BODIES", 2)
    reader = body.BodyReader(LIMIT)

    async def five() -> list[Any]:
        bodies = (read(reader, iter([b"x" * 450, b"x" * 450, b"end"])) for _ in range(5))
        return await asyncio.gather(*bodies, return_exceptions=True)

    found = asyncio.run(five())

    statuses = [getattr(result, "status", 200) for result in found]
    assert 503 in statuses
    assert set(statuses) <= {200, 503}
    assert reader._held == 0
