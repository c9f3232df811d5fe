"""The verbs `contract` and `data`: nothing of the user's is lost, every message shows a way out."""

import re
from pathlib import Path
from typing import Any

import pytest
import tomlkit

from engine.contract.read import load_contract
from engine.core.errors import ContractError, DataError, shown
from engine.data import sample
from tools import contract as contract_command
from tools import data as data_report

TABLE = "size,email,postcode,answer\n" + "".join(
    f"{i % 17},p{i}@example.org,{70115 + i % 5},{'yes' if i % 17 > 8 or i % 5 == 0 else 'no'}\n"
    for i in range(200)
)

ADDRESS = "postgresql://me:secret@db/rows"  # not a secret


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project of its own, with a table inside and one beside it."""
    folder = tmp_path / "project"
    (folder / "data").mkdir(parents=True)
    (folder / "mine.csv").write_text(TABLE, encoding="utf-8")
    (tmp_path / "beside.csv").write_text(TABLE, encoding="utf-8")
    monkeypatch.chdir(folder)
    return folder


def run(*words: str) -> int:
    """The verb, as the command line calls it."""
    return contract_command.main(["contract", *words])


def test_a_draft_is_written_and_everything_guessed_is_said(capsys: Any) -> None:
    assert run("draft", "mine.csv", "--target", "answer") == 0

    written = load_contract("contract.toml")
    said = capsys.readouterr().out
    assert (written.dataset.source, list(written.features)) == ("mine.csv", ["size"])
    assert "'email': its name ('email') points to personal data" in said
    assert "'email': its name" in Path("contract.toml").read_text(encoding="utf-8")
    assert run("check") == 0


def test_a_contract_of_ones_own_is_not_replaced_unasked() -> None:
    run("draft", "mine.csv", "--target", "answer")
    before = Path("contract.toml").read_bytes()

    with pytest.raises(ContractError, match="--force"):
        run("draft", "mine.csv", "--target", "size")

    assert Path("contract.toml").read_bytes() == before


def test_with_force_the_old_contract_is_kept_as_a_copy() -> None:
    run("draft", "mine.csv", "--target", "answer")
    before = Path("contract.toml").read_bytes()

    run("draft", "mine.csv", "--target", "size", "--force")
    run("draft", "mine.csv", "--target", "answer", "--force")

    assert Path("contract.toml.before").read_bytes() == before
    assert load_contract("contract.toml.before2").dataset.target == "size"


def limited(**limits: Any) -> None:
    """Write limits into the contract that was drafted."""
    document = tomlkit.parse(Path("contract.toml").read_text(encoding="utf-8"))
    document["gates"].update(limits)  # type: ignore[union-attr]
    Path("contract.toml").write_text(tomlkit.dumps(document), encoding="utf-8")


def test_a_limit_never_travels_to_another_table(capsys: Any) -> None:
    run("draft", "mine.csv", "--target", "answer")
    limited(fairness_gap=0.6, floor=0.7, parity_tolerance=0.01, p99_ms=7)
    capsys.readouterr()

    run("draft", "mine.csv", "--target", "size", "--force")

    found, said = load_contract().gates, capsys.readouterr().out
    assert (found.fairness_gap, found.floor, found.parity_tolerance) == (None, 0, 1e-4)
    assert found.p99_ms == 7
    for name, value in (("fairness_gap", "0.6"), ("floor", "0.7"), ("parity_tolerance", "0.01")):
        assert f"  - dropped: {name} = {value}, decided for 'answer' of mine.csv\n" in said
    assert "  - kept: p99_ms = 7, a budget of the system\n" in said


def test_a_limit_holds_when_the_same_table_is_drafted_again(capsys: Any) -> None:
    run("draft", "mine.csv", "--target", "answer")
    limited(fairness_gap=0.6)
    capsys.readouterr()

    run("draft", "mine.csv", "--target", "answer", "--force")

    assert load_contract().gates.fairness_gap == 0.6
    assert "  - kept: fairness_gap = 0.6, decided for this table\n" in capsys.readouterr().out


def test_other_columns_are_another_table() -> None:
    run("draft", "mine.csv", "--target", "answer")
    limited(fairness_gap=0.6)
    wider = "\n".join(f"{line},{len(line) % 7}" for line in TABLE.splitlines())
    Path("mine.csv").write_text(f"{wider}\n", encoding="utf-8")

    run("draft", "mine.csv", "--target", "answer", "--force")

    assert load_contract().gates.fairness_gap is None


def test_a_draft_elsewhere_has_the_budget_of_the_system() -> None:
    run("draft", "mine.csv", "--target", "answer")
    limited(p99_ms=7)

    run("draft", "mine.csv", "--target", "size", "--out", "other.toml")

    assert load_contract("other.toml").gates.p99_ms == 7


def test_what_a_person_has_to_decide_stands_open_in_the_draft() -> None:
    run("draft", "mine.csv", "--target", "answer")
    text = Path("contract.toml").read_text(encoding="utf-8")

    found = load_contract().gates
    assert (found.floor, found.slice_gap, found.fairness_gap) == (None, None, None)
    assert "\n# floor =             # " in text
    assert "\n# slice_gap =         # " in text
    assert "fairness_gap" not in text  # no column is sensitive


def test_the_contract_of_the_sample_makes_room(project: Path) -> None:
    run("draft", "mine.csv", "--target", "size")
    text = Path("contract.toml").read_text(encoding="utf-8")
    script = project / sample.SCRIPT
    script.write_text("", encoding="utf-8")
    source = f"{sample.SCRIPT.parent.as_posix()}/sample.csv"
    ours = text.replace('source = "mine.csv"', f'source = "{source}"').replace(
        "p99_ms = 50", "p99_ms = 7"
    )
    Path("contract.toml").write_text(ours, encoding="utf-8")

    run("draft", "mine.csv", "--target", "answer")

    assert load_contract().dataset.target == "answer"
    assert load_contract().gates.p99_ms == 7
    assert Path("contract.toml.before").read_text(encoding="utf-8") == ours


def test_a_table_from_outside_is_copied_into_the_project(project: Path) -> None:
    run("draft", str(project.parent / "beside.csv"), "--target", "answer")

    assert load_contract().dataset.source == "data/beside.csv"
    assert Path("data/beside.csv").read_text(encoding="utf-8") == TABLE


def test_a_copy_never_overwrites_another_table(project: Path) -> None:
    Path("data/beside.csv").write_text("something else", encoding="utf-8")

    with pytest.raises(DataError, match="exists and differs"):
        run("draft", str(project.parent / "beside.csv"), "--target", "answer")

    assert not Path("contract.toml").exists()


def test_several_files_from_outside_and_inside_are_one_source(project: Path) -> None:
    header, *rows = TABLE.splitlines(keepends=True)
    Path("first.csv").write_text("".join([header, *rows[:50]]), encoding="utf-8")
    beside = project.parent / "parts"
    beside.mkdir()
    for name, part in (("b.csv", rows[50:100]), ("a.csv", rows[100:])):
        (beside / name).write_text("".join([header, *part]), encoding="utf-8")

    run("draft", "first.csv", str(beside), "--target", "answer")

    assert load_contract().dataset.source == ("first.csv", "data/a.csv", "data/b.csv")
    assert run("check") == 0


def test_a_folder_stays_a_folder(capsys: Any) -> None:
    Path("data/mine.csv").write_text(TABLE, encoding="utf-8")

    run("draft", "data", "--target", "answer")

    assert load_contract().dataset.source == "data"
    assert run("check") == 0
    assert "OK: data keeps the contract: 200 rows" in capsys.readouterr().out


def test_a_wrong_row_of_several_files_is_named_by_its_own_file() -> None:
    header, *rows = TABLE.splitlines(keepends=True)
    Path("data/b.csv").write_text("".join([header, *rows[150:]]), encoding="utf-8")
    Path("data/a.csv").write_text("".join([header, *rows[:150]]), encoding="utf-8")
    run("draft", "data", "--target", "answer")
    with Path("data/b.csv").open("a", encoding="utf-8") as stream:
        stream.write("999,x@example.org,70115,no\n")

    with pytest.raises(DataError, match=r"the first is row 52 of data/b\.csv with 999"):
        run("check")
    with pytest.raises(DataError, match=r"the first is row 52 with 999"):
        run("check", "data/b.csv")


def test_two_files_that_would_become_one_are_refused(project: Path) -> None:
    Path("data/beside.csv").write_text(TABLE, encoding="utf-8")
    words = ("data/beside.csv", str(project.parent / "beside.csv"))

    with pytest.raises(DataError, match=r"two of the files would be data/beside\.csv"):
        run("draft", *words, "--target", "answer")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ((ADDRESS, "--query", "select 1"), 'source = "env:NAME"'),
        (("env:ROWS_URL",), "say which of its rows with query"),
        (("a.db", "b.db", "--query", "select 1"), "asks one database"),
    ],
)
def test_what_is_no_source_is_refused_without_a_secret(words: Any, message: str) -> None:
    with pytest.raises(ContractError, match=message) as said:
        run("draft", *words, "--target", "answer")

    assert "secret" not in str(said.value)


def test_a_refused_table_leaves_no_contract() -> None:
    Path("one.csv").write_text("a,b\n" + "1,2\n" * 50, encoding="utf-8")

    with pytest.raises(DataError, match="one value only"):
        run("draft", "one.csv", "--target", "b")

    assert not Path("contract.toml").exists()


def test_check_says_which_rows_break_which_rule() -> None:
    run("draft", "mine.csv", "--target", "answer")
    Path("bad.csv").write_text("size,answer\n3,yes\n999,no\n,maybe\n", encoding="utf-8")

    with pytest.raises(DataError) as caught:
        run("check", "bad.csv")

    lines = str(caught.value).splitlines()
    assert lines[0] == "bad.csv does not keep the contract:"
    assert any("'size' must be at most" in line and "row 3 with 999" in line for line in lines)
    assert any("'size' may not be missing" in line and "row 4" in line for line in lines)
    assert any("'answer' must be one of no, yes" in line for line in lines)


def test_check_takes_rows_without_a_target_for_a_batch(capsys: Any) -> None:
    run("draft", "mine.csv", "--target", "answer")
    Path("batch.csv").write_text("size\n3\n4\n", encoding="utf-8")

    assert run("check", "batch.csv") == 0
    assert "2 rows, 1 columns, without the target 'answer'" in capsys.readouterr().out


@pytest.mark.parametrize("word", ["anwser", "Answer", "answer "])
def test_a_misspelt_target_is_no_batch(word: str) -> None:
    run("draft", "mine.csv", "--target", "answer")
    Path("other.csv").write_text(TABLE.replace("answer", word, 1), encoding="utf-8")

    with pytest.raises(DataError, match=rf"no column 'answer'.*did you mean {word!r}"):
        run("check", "other.csv")


def test_the_contracts_own_rows_have_the_target() -> None:
    run("draft", "mine.csv", "--target", "answer")
    text = Path("contract.toml").read_text(encoding="utf-8")
    Path("contract.toml").write_text(
        text.replace('target = "answer"', 'target = "anwser"'), encoding="utf-8"
    )

    with pytest.raises(
        DataError, match=r"no column 'anwser', which dataset\.target in contract\.toml"
    ):
        run("check")


def test_the_task_that_the_repository_was_made_for_is_taken(capsys: Any) -> None:
    Path(".copier-answers.yml").write_text("mode: batch\nproblem: regression\n", encoding="utf-8")
    lines = [f"{i % 17},{1 + i % 5}\n" for i in range(200)]
    Path("stars.csv").write_text("size,stars\n" + "".join(lines), encoding="utf-8")

    run("draft", "stars.csv", "--target", "stars")

    assert load_contract().dataset.task == "regression"
    assert "taken as regression, which this repository was made for" in capsys.readouterr().out


def test_no_control_character_of_the_data_reaches_the_terminal(capsys: Any) -> None:
    wild = "a\x1b[2Jb\x9b\u202e\x07"
    lines = [f"{wild}{i % 3},{i % 17},{'yes' if i % 17 > 8 else 'no'}\n" for i in range(200)]
    Path("wild.csv").write_text(f"{wild},size,{wild} y\n" + "".join(lines), encoding="utf-8")

    def verb(*words: str) -> int:
        return shown("contract", lambda: run(*words))

    assert verb("draft", "wild.csv", "--target", f"{wild} y") == 0
    Path("bad.csv").write_text(f"{wild},size,{wild} y\n{wild},999,{wild}\n", encoding="utf-8")
    assert verb("check", "bad.csv") == 1
    assert verb("check", f"{wild}.csv") == 1

    said = "".join(capsys.readouterr())
    assert "\\x1b[2J" in said
    assert not [char for char in said if not char.isprintable() and char != "\n"]


def test_the_report_counts_copies_of_whole_rows() -> None:
    lines = [f"{i % 100},{i % 7},{'yes' if i % 3 else 'no'}\n" for i in range(300)]
    Path("again.csv").write_text("a,gender,y\n" + "".join([*lines, *lines[:7]]), encoding="utf-8")
    run("draft", "again.csv", "--target", "y")

    data_report.main(["data", "report"])

    page = Path("reports/data.html").read_text(encoding="utf-8")
    assert '<div class="tile"><b>7</b>repeated rows</div>' in page
    assert "No test row is a copy" not in page


def test_the_report_says_that_no_row_comes_again_only_where_none_does() -> None:
    lines = [f"{i / 7:.2f},{i % 7},{'yes' if i % 3 else 'no'}\n" for i in range(300)]
    pages = []
    for name, table in {"once": lines, "again": [*lines, *lines[:20]]}.items():
        Path(f"{name}.csv").write_text("a,gender,y\n" + "".join(table), encoding="utf-8")
        run("draft", f"{name}.csv", "--target", "y", "--force")
        data_report.main(["data", "report"])
        pages.append(Path("reports/data.html").read_text(encoding="utf-8"))

    assert "No test row repeats a training row in every column." in pages[0]
    assert "No test row repeats" not in pages[1]
    assert re.search(r"\d+ of 64 test rows repeat a training row in every column", pages[1])


def test_the_report_is_one_page_that_shows_nothing_personal() -> None:
    run("draft", "mine.csv", "--target", "answer")

    data_report.main(["data", "report"])

    page = Path("reports/data.html").read_text(encoding="utf-8")
    assert not [text for text in ("p7@example.org", "70,117", "70117") if text in page]
    assert "personal: counts only" in page
    assert "<svg" in page
    assert not [
        mark for mark in ("http://", "https://", "<script", "@import", "url(") if mark in page
    ]


def test_the_report_says_what_is_wrong_instead_of_failing() -> None:
    run("draft", "mine.csv", "--target", "answer")
    rows = TABLE.replace("\n1,", "\n<i>1</i>,", 1)
    Path("mine.csv").write_text(rows, encoding="utf-8")

    data_report.main(["data", "report"])

    page = Path("reports/data.html").read_text(encoding="utf-8")
    assert "&lt;i&gt;1&lt;/i&gt;" in page
    assert "<i>1</i>" not in page
