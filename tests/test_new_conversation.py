"""python3 run.py new in a terminal of 80 columns: every screen as a person sees it."""

from __future__ import annotations

import json
import stat
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import yaml

from template.tools.template import recorded

from .conftest import git, render_to, snapshot
from .releases import replace, tree

pytest.importorskip("pexpect", reason="a pseudo-terminal needs a POSIX system")

from .terminal import CTRL_C, DOWN, ENTER, UP, Terminal

Start = Callable[..., Terminal]
pytestmark = pytest.mark.xdist_group("new")
TOP = " A new repository in churn-scorer. Arrows and Enter choose, < goes back, Ctrl-C"
FIRST = [
    TOP,
    " stops and keeps your answers.",
    "",
    " How much do you want to decide?",
    "   Take what is recommended - no question; you see it before it is made",
    " » Answer the needs - about 11 questions; the tools follow from them",
    "   Decide everything - about 25 questions",
]
SUMMARY = [
    " What is predicted? A class (tabular classification)",
    " When are predictions made? Many at once (batch)",
    " How many rows does one run score? 1000000",
    " What starts a run? The clock",
    " Who reads the records of past training runs? One person",
    " Do some features come from tables you keep (not from the caller)? No",
    " Does the data hold anything about a person? No",
    " When is it known whether a prediction was right? After some days",
    " After how many days? 30",
    " So you get:",
    "   Prefect (scheduled batch) - files at set times; +150 MB (recommended)",
    "   Gradient boosting - more accurate on most tables; no extra (recommended)",
    "   Plain files - one person looks at the runs; no extra (recommended)",
    "   Files - CSV or Parquet, here or in a store; no extra (recommended)",
    "   No tables - all come with the request or file; no extra (recommended)",
    "   The built-in tests (SciPy) - words and numbers; no extra (recommended)",
    "   A local folder - one machine trains and serves; no extra (recommended)",
    " Paperwork: Churn scorer; Churn scorer: predictions from a table of data.;",
    "   Churn scorer team; Proprietary; GitHub Actions; Python {}.{}".format(*sys.version_info),
    " Is this what you want?",
    " » Create it, with a first commit",
    "   Create it, without a first commit",
    "   Change an answer",
]


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clone as somebody has it, whose environment is there."""
    made = snapshot(tmp_path_factory.mktemp("checkout") / "copier-ml")
    terminal = Terminal([sys.executable, "run.py", "new", "--help"], made)
    assert terminal.end() == 0
    return made


@pytest.fixture
def terminals(checkout: Path, tmp_path: Path) -> Iterator[Start]:
    """`new` in this folder, with a state folder of its own; what still runs is ended."""
    opened: list[Terminal] = []

    def start(*arguments: str) -> Terminal:
        call = [sys.executable, str(checkout / "run.py"), "new", "churn-scorer", *arguments]
        opened.append(Terminal(call, tmp_path, XDG_STATE_HOME=str(tmp_path / "state")))
        return opened[-1]

    yield start
    for terminal in opened:
        terminal.child.close(force=True)


def answers(folder: Path) -> dict[str, object]:
    """What the copy recorded, without where it came from."""
    found = yaml.safe_load((folder / ".copier-answers.yml").read_text("utf-8"))
    return {name: value for name, value in found.items() if not name.startswith("_")}


def test_from_needs_to_a_repository_that_copier_copy_makes_too(
    terminals: Start, checkout: Path, tmp_path: Path
) -> None:
    new = terminals()
    assert new.see("How much")[:7] == FIRST
    new.type(ENTER)
    assert new.see("1 of 11")[3:6] == [
        " 1 of 11  What is predicted?",
        " » A class (tabular classification) - one of a few labels, as yes or no",
        "   A number (tabular regression) - an amount, a duration or a price",
    ]
    new.type(ENTER)
    new.see("2 of 11")
    new.type(DOWN, ENTER)
    assert new.see("3 of 9")[3:7] == [
        " 1 of 11  What is predicted? A class (tabular classification)",
        " 2 of 11  When are predictions made? Many at once (batch)",
        " 3 of 9  How many rows does one run score?",
        " > 1000000",
    ]
    for number in range(4, 10):
        new.type(ENTER)
        new.see(f"{number} of 9  ")
    new.type(ENTER)
    assert [line for line in new.see("Is this what you want?") if line] == SUMMARY
    new.type(ENTER)

    assert new.end() == 0
    assert all(len(line) <= 79 for line in new.everything())
    assert " 2 of 11  When are predictions made? Many at once (batch)" in new.everything()
    made = tmp_path / "churn-scorer"
    short = git(made, "rev-parse", "--short", "HEAD").strip()
    end = new.lines()[new.lines().index("Churn scorer is in churn-scorer, with") :]
    assert f"First commit: {short}." in end
    note = next(i for i, line in enumerate(end) if line.startswith("NOTE: updates come from"))
    assert len([line for line in end[:note] if line]) <= 10
    told = answers(made)
    copied = render_to(checkout, tmp_path / "copied", told)
    replace(
        copied / ".copier-answers.yml", *(f"_src_path: {recorded(at)[0]}" for at in (copied, made))
    )
    assert tree(made) == tree(copied)  # but for where it came from: Copier knows no origin


def test_a_wrong_answer_is_answered_where_it_stands_and_typing_replaces_the_default(
    terminals: Start,
) -> None:
    new = terminals("-d", "problem=regression", "-d", "mode=real_time")
    new.see("How much")
    new.type(ENTER)
    new.see("1 of 9")

    new.type("lots", ENTER)
    new.see("'lots'")
    new.type("0", ENTER)
    shown = new.see("'0'")
    new.type("20", ENTER)
    after = new.see("2 of 9")

    assert shown[3:7] == [
        " ! 'lots' is not possible: it must be a whole number from 1 to 60000.",
        " ! '0' is not possible: it must be a whole number from 1 to 60000.",
        " 1 of 9  Within how many milliseconds must 99 of 100 answers be there?",
        " > 100",
    ]
    assert after[3:5] == [  # what is put right is not complained of any longer
        " 1 of 9  Within how many milliseconds must 99 of 100 answers be there? 20",
        " 2 of 9  How many requests per second come at the busiest moment?",
    ]


def test_back_from_every_kind_of_question_and_forward_again(terminals: Start) -> None:
    new = terminals()
    new.see("How much")
    new.type(ENTER)
    new.see("1 of 11")
    new.type("<")
    new.see("How much")
    new.type(ENTER)
    new.see("1 of 11")
    new.type(ENTER)
    new.see("2 of 11")
    new.type(ENTER)
    new.see(" > 100")
    new.type("7", ENTER)
    new.see(" > 50")
    new.type("<")
    assert new.see(" > 7")[3:7] == [  # what was typed is the default now, and not an answer
        " 1 of 11  What is predicted? A class (tabular classification)",
        " 2 of 11  When are predictions made? When asked (real time)",
        " 3 of 11  Within how many milliseconds must 99 of 100 answers be there?",
        " > 7",
    ]
    new.type("<")
    assert " » When asked (real time) - somebody waits for each answer; a server" in new.see(" » ")
    new.type(DOWN, DOWN, ENTER)
    shown = new.see("3 of 6")

    assert "   One person - only you look at past runs" not in shown
    assert " » One person - only you look at past runs" in shown  # nothing of a server is asked


def test_ctrl_c_keeps_the_answers_for_this_user_only_and_the_next_call_goes_on(
    terminals: Start, tmp_path: Path
) -> None:
    first = terminals()
    first.see("How much")
    first.type(ENTER)
    first.see("1 of 11")
    first.type(DOWN, ENTER)
    first.see("2 of 11")
    first.type(CTRL_C)
    assert first.end() == 130
    assert "Stopped; your answers are kept, and the same command goes on." in first.lines()
    (kept,) = (tmp_path / "state").rglob("*.json")
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert json.loads(kept.read_text("utf-8"))["told"] == {"problem": "regression"}
    assert not (tmp_path / "churn-scorer").exists()

    second = terminals()
    assert second.see("kept from")[3:6] == [
        " You stopped before the repository was made.",
        " » Go on with the 1 answer kept from last time",
        "   Begin anew",
    ]
    second.type(ENTER)
    assert second.see("2 of 11")[3] == " 1 of 11  What is predicted? A number (tabular regression)"
    second.type("<")
    second.see(" » A number (tabular regression)")
    second.type(CTRL_C)
    second.end()

    third = terminals()
    third.see("kept from")
    third.type(DOWN, ENTER)
    third.see("How much")
    assert not kept.exists()
    third.type(CTRL_C)
    assert third.end() == 130
    assert "Stopped." in third.lines()  # nothing is claimed to be kept


def test_the_summary_leads_back_to_one_question_and_made_forgets_what_was_kept(
    terminals: Start, tmp_path: Path
) -> None:
    new = terminals("--no-commit")
    new.see("How much")
    new.type(UP, ENTER)
    new.see("Is this")
    new.type(DOWN, ENTER)
    lines = new.see("Which answer?")
    assert " » What is predicted? A class (tabular classification)" in lines
    new.type("<")
    new.see("Is this")
    new.type(DOWN, ENTER)
    new.see("Which answer?")
    new.type(DOWN * 9, ENTER)
    assert " » Gradient boosting - more accurate on most tables; no extra (recommended)" in new.see(
        "Which family of models?"
    )
    new.type("<")  # leaves it as it is
    new.see("Gradient boosting - more accurate on most tables; no extra (recommended)")
    new.type(DOWN, ENTER)
    new.see("Which answer?")
    new.type(DOWN * 9, ENTER)
    new.see(" » Gradient boosting")
    new.type(UP, ENTER)
    shown = new.see("Is this")
    place = shown.index(
        "   Linear model - fastest, and can be read; no extra (your choice; recommended:"
    )
    assert shown[place + 1].strip() == "Gradient boosting)"
    assert list((tmp_path / "state").rglob("*.json"))
    new.type(ENTER)

    assert new.end() == 0
    assert answers(tmp_path / "churn-scorer")["model"] == "linear"
    assert not (tmp_path / "churn-scorer/.git").exists()
    assert not list((tmp_path / "state").rglob("*.json"))


def test_back_leads_to_the_question_before_whatever_was_changed_last(terminals: Start) -> None:
    new = terminals("-d", "mode=batch")
    new.see("How much")
    new.type(UP, ENTER)
    new.see("Is this")
    new.type(DOWN, DOWN, ENTER)
    new.see("Which answer?")
    new.type(DOWN * 2, ENTER)
    new.see("What starts a run?")
    new.type(DOWN, ENTER)
    new.see("What starts a run? A call")
    new.type("<")
    assert new.see("How much")[:4] == FIRST[:4]  # nothing of the summary
    new.type(ENTER)
    new.see("1 of 8")
    new.type("<")  # there is nothing before it but how much to decide
    new.see("How much")
    new.type(ENTER)
    new.see("1 of 8")
    new.type(ENTER)
    new.see("2 of 8")
    new.type(ENTER)
    new.see("4 of 8")
    new.type("<")
    assert " » A call" in "\n".join(new.see("3 of 8  What starts a run?"))


def test_a_preset_is_a_summary_to_confirm(terminals: Start, tmp_path: Path) -> None:
    new = terminals("--preset", "nightly-batch")
    shown = new.see("Is this")

    assert " How many rows does one run score? 5000000" in shown
    assert "   PostgreSQL - rows are in such a database; +25 MB (your choice; recommended:" in shown
    new.type("<")
    assert new.see("How much")
    new.type(CTRL_C)
    assert new.end() == 130
    assert not (tmp_path / "churn-scorer").exists()


def test_contradictions_are_shown_where_they_can_be_put_right(
    terminals: Start, tmp_path: Path
) -> None:
    new = terminals("-d", "serving=prefect")
    new.see("How much")
    new.type(UP, ENTER)
    shown = new.see("Is this")

    said = " ".join(line.strip() for line in shown)
    assert "refused: serving=prefect: it needs mode=batch, not real_time" in said
    assert not any("Create it" in line for line in shown)
    new.type(ENTER)
    new.see("Which answer?")
    new.type(DOWN, ENTER)
    new.see(" » When asked")
    new.type(DOWN, ENTER)
    assert " When are predictions made? Many at once (batch)" in new.see(" » Create it, with a")
    assert not (tmp_path / "churn-scorer").exists()


def test_what_is_wrong_is_said_before_anything_is_asked(terminals: Start, tmp_path: Path) -> None:
    wrong = terminals("-d", "model=xgboost")
    assert wrong.end() == 1
    assert "answers refused: model=xgboost: valid values" in "".join(wrong.lines())
    (tmp_path / "churn-scorer").mkdir()
    (tmp_path / "churn-scorer/README.md").write_text("mine\n", "utf-8")

    taken = terminals()

    assert taken.end() == 1
    assert "has files of the same name (README.md)" in " ".join(taken.lines())
    assert "How much" not in " ".join(taken.lines())
