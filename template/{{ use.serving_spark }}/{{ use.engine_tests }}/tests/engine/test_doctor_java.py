"""What doctor says of Java."""

import pytest

from tools.doctor import MISSING, OK, java


def test_a_java_that_is_not_there_is_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    [here] = java.look()
    monkeypatch.setenv("JAVA_HOME", "/nowhere")

    [away] = java.look()

    assert here.state == OK
    assert (away.state, away.said) == (MISSING, "JAVA_HOME is /nowhere, where no Java runs")
    assert "default-jre-headless" in away.way_out
    assert not away.optional
