"""What stands in the way of Spark is said in one line that names the way out."""

import os
import socket
import time
from pathlib import Path
from typing import Any

import pytest

from engine.batch.spark import java, session
from engine.core.errors import SettingsError
from engine.core.settings import load_settings

from .batch_jobs import config, rows_file, verb
from .conftest import CONTRACTS
from .made_up import inside


def answer(folder: Path, text: str) -> Path:
    """A program `java` that says this when it is asked for its version."""
    program = folder / "bin/java"
    program.parent.mkdir()
    program.write_text(f"#!/bin/sh\necho '{text}' >&2\n")
    program.chmod(0o755)
    return folder


def test_without_java_the_way_out_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(SettingsError, match=r"there is no Java\. .*apt-get install"):
        java.require()


def test_a_java_home_without_java_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))

    with pytest.raises(SettingsError, match=f"JAVA_HOME is {tmp_path}"):
        java.require()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('openjdk version "11.0.2" 2019-01-15', r"is Java 11\. .*Java 17 or newer"),
        ('java version "1.8.0_402"', r"is Java 8\. "),
        ("Unable to locate a Java Runtime.", "is no Java that runs"),
    ],
)
def test_a_java_that_does_not_do_is_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, text: str, message: str
) -> None:
    monkeypatch.setenv("JAVA_HOME", str(answer(tmp_path, text)))

    with pytest.raises(SettingsError, match=message):
        java.require()


@pytest.mark.parametrize("text", ['openjdk version "17.0.15" 2025-04-15', 'openjdk version "25"'])
def test_a_newer_java_does(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, text: str) -> None:
    monkeypatch.setenv("JAVA_HOME", str(answer(tmp_path, text)))

    java.require()


@pytest.mark.parametrize("contract_file", CONTRACTS[:1], indirect=True, ids=["own"])
def test_the_verb_ends_with_one_line(trained: Path, tmp_path: Path, any_contract: Any) -> None:
    rows_file(tmp_path, any_contract)
    output = {"APP_STORE": str(trained / "store"), "APP_OUTPUT": str(tmp_path / "predictions")}
    wanted = {"contract.toml": (trained / "contract.toml").read_bytes()}
    for name, content in wanted.items():
        (tmp_path / name).write_bytes(content)

    process = verb(tmp_path, "batch", "rows.csv", env={**output, "JAVA_HOME": "/nowhere"})
    said = process.communicate(timeout=300)[0]

    assert process.returncode == 1
    assert said.strip().splitlines()[-1].startswith("batch: JAVA_HOME is /nowhere")
    assert "Traceback" not in said


def closed_port() -> int:
    """A port at which nothing answers."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


@pytest.mark.parametrize("master", ["", "spark://", "spark://127.0.0.1", "lokal[2]", "local[two]"])
def test_a_wrong_master_is_named_soon(master: str, tmp_path: Path) -> None:
    began = time.monotonic()

    with (
        inside(tmp_path),
        pytest.raises(SettingsError) as caught,
        session.running(config(master=master)),
    ):
        pass

    assert f"master {master!r}" in str(caught.value) or f"master is {master!r}" in str(caught.value)
    assert "\n" not in str(caught.value)
    assert time.monotonic() - began < 60


def test_a_cluster_that_does_not_answer_is_named_soon() -> None:
    began = time.monotonic()

    with (
        pytest.raises(SettingsError, match="nothing answers there"),
        session.running(config(master=f"spark://127.0.0.1:{closed_port()}")),
    ):
        pass

    assert time.monotonic() - began < 30


@pytest.mark.parametrize(
    ("master", "told"),
    [("local", "local[1,4]"), ("local[3]", "local[3,4]"), ("local[*]", "local[*,4]")],
)
def test_local_mode_tries_again_too(master: str, told: str) -> None:
    """Spark itself would not: a task that fails once ends everything, unless it is told so."""
    with session.running(config(master=master, retries=3)) as context:
        assert context.master == told


def test_what_spark_says_is_kept_where_the_settings_say(tmp_path: Path) -> None:
    log = tmp_path / "spark.log"
    env = {**os.environ, "APP_SPARK_LOG": str(log)}
    assert load_settings(tmp_path / "none", env).spark_log == str(log)

    with java.log(str(log)) as stream:
        stream.write("kept")

    assert log.read_text() == "kept"


def test_a_story_is_told_by_the_cause_behind_it() -> None:
    story = "26/11/22 ERROR X: Error of Y.\norg.a.SparkException: Could not parse: 'a'\nat b\nat c"
    deeper = "\nCaused by: org.a.b: refused\nat d\nCaused by: java.io.EOFException\nat e"

    assert session.words(story) == "Could not parse: 'a'"
    assert session.words(story + deeper) == "refused"
    assert session.words("no cause\nat all") == "at all"
