"""A person at a terminal: the real prompts, driven through a pseudo-terminal."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

import pytest
import yaml

pexpect = pytest.importorskip("pexpect", reason="a pseudo-terminal needs a POSIX system")

GIVEN = [  # all that is asked before the Python
    "problem=classification",
    "mode=real_time",
    "p99_ms=100",
    "peak_rps=50",
    "traffic=steady",
    "runs_on=any",
    "team=one",
    "feature_sharing=none",
    "serving=triton",
    "model=boosting",
    "tracking=files",
    "data_source=files",
    "feature_store=none",
    "monitoring=builtin",
    "artifact_store=local",
    "personal_data=no",
    "ground_truth=none",
    "project_name=shop",
    "description=It predicts.",
    "owner=we",
    "licence=mit",
    "ci=github",
]
ENTER, DOWN, ERASE = "\r", "\x1b[B", "\x7f"


def test_many_rows_lead_to_spark(template: Path, tmp_path: Path) -> None:
    needs = {"mode": "batch", "rows_per_run": 300_000_000, "trigger": "schedule"}
    given = [word for name, value in needs.items() for word in ("-d", f"{name}={value}")]
    child = pexpect.spawn(
        sys.executable,
        ["-m", "copier", "copy", *given, str(template), str(tmp_path / "new")],
        env=os.environ | {"TERM": "xterm", "NO_COLOR": "1"},
        dimensions=(50, 160),
        encoding="utf-8",
        timeout=60,
    )

    for question in ["What is predicted?", "Who reads the records", "Do some features come"]:
        child.expect_exact(question)
        time.sleep(0.3)  # the prompt reads its keys only once it is drawn
        child.send(ENTER)
    child.expect_exact("How do predictions get out?")
    child.expect_exact("Spark (large batch) - beyond one machine; +480 MB, Java (recommended)")
    assert "HTTP server" not in child.before  # what is ruled out is not offered
    child.close(force=True)

    assert not (tmp_path / "new/pyproject.toml").exists()


def test_a_python_that_the_chosen_server_cannot_live_with_is_not_offered(
    template: Path, tmp_path: Path
) -> None:
    given = [word for name in GIVEN for word in ("-d", name)]
    child = pexpect.spawn(
        sys.executable,
        ["-m", "copier", "copy", *given, str(template), str(tmp_path / "new")],
        env=os.environ | {"TERM": "xterm", "NO_COLOR": "1"},
        dimensions=(50, 160),
        encoding="utf-8",
        timeout=60,
    )
    child.expect_exact("Which Python runs it?")
    child.expect_exact("Python 3.12 - your platform runs 3.12")
    found = child.expect_exact([pexpect.TIMEOUT, "Python 3.13"], timeout=1)

    assert found == 0
    child.close(force=True)


def test_the_conversation_from_needs_to_tools(template: Path, tmp_path: Path) -> None:
    child = pexpect.spawn(
        sys.executable,
        ["-m", "copier", "copy", str(template), str(tmp_path / "new")],
        env=os.environ | {"TERM": "xterm", "NO_COLOR": "1"},
        dimensions=(50, 160),
        encoding="utf-8",
        timeout=60,
    )

    def answer(question: str, *keys: str) -> None:
        child.expect_exact(question)
        time.sleep(0.3)  # the prompt reads its keys only once it is drawn
        for key in keys:
            child.send(key)
        child.send(ENTER)

    answer("What is predicted?")
    answer("When are predictions made?")
    answer("milliseconds", *[ERASE] * 3, "0", ENTER, ERASE, "4")  # 0 is refused, 4 is taken
    answer("requests per second")
    answer("When do requests come?")
    answer("Where may it run?")
    answer("Who reads the records of past training runs?", DOWN)
    answer("Do some features come", DOWN, DOWN)
    answer("How do predictions get out?")
    child.expect_exact("Linear model - fastest, and can be read; no extra (recommended)")
    time.sleep(0.3)
    child.send(ENTER)
    child.expect_exact("several people compare runs on a web page; +76 MB (recommended)")
    time.sleep(0.3)
    child.send(ENTER)
    answer("Where are the rows that the model learns from?")
    child.expect_exact("several models or teams share; +500 MB, a server (recommended)")
    time.sleep(0.3)
    child.send(ENTER)
    answer("What looks for drift?")
    answer("Where are models and data kept?")
    answer("anything about a person?", DOWN)
    answer("What happens to the personal columns?", DOWN, DOWN)
    answer("When is it known", DOWN)
    answer("What is the project called?", *[ERASE] * 20, " ", ENTER, ERASE, "Bears")
    answer("What does it predict")
    answer("Who answers for it")
    answer("Under which licence?")
    answer("Where does its continuous integration run?", DOWN)
    answer("Which Python runs it?")
    answer("Do the engine's own tests come along?", DOWN)
    child.expect_exact("WARNING: The data is personal")
    child.expect_exact("WARNING: No outcome ever comes back")
    child.expect(pexpect.EOF)
    child.close()

    assert child.exitstatus == 0
    answered = yaml.safe_load((tmp_path / "new/.copier-answers.yml").read_text("utf-8"))
    expected = {
        "project_name": "Bears",
        "engine_tests": True,
        "ci": "gitlab",
        "p99_ms": 4,
        "model": "linear",
        "tracking": "mlflow",
        "feature_store": "feast",
    }
    assert expected.items() <= answered.items()
    assert "ground_truth_days" not in answered  # skipped, because no outcome ever comes back
