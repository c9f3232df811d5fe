"""What doctor says of the vector store."""

import socket

import pytest

from tools.doctor import CANNOT_TELL, MISSING, OK, Finding, vectors


def test_the_vector_store_has_to_take_a_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("APP_VECTOR_URL", "")
    [unused] = vectors.look()
    with socket.create_server(("127.0.0.1", 0)) as there:
        port = there.getsockname()[1]
        monkeypatch.setenv("APP_VECTOR_URL", f"http://me:hidden@127.0.0.1:{port}")  # not a secret
        [answers] = vectors.look()
    [silent] = vectors.look()
    monkeypatch.setenv("APP_VECTOR_URL", "postgresql:///socket")
    [unknown] = vectors.look()

    assert [f.state for f in (unused, answers, silent, unknown)] == [OK, OK, MISSING, CANNOT_TELL]
    assert "hidden" not in answers.said + silent.said


def test_an_index_is_looked_for_at_its_host_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """As Pinecone shows it, without https:// before it."""
    monkeypatch.setattr(
        vectors, "server", lambda thing, host, port, *_: Finding(OK, thing, f"{host} {port}", "")
    )
    monkeypatch.setenv("APP_VECTOR_URL", "index-1.svc.example.io")

    assert [finding.said for finding in vectors.look()] == ["index-1.svc.example.io 443"]
