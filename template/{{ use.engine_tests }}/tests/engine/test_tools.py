"""The lock that is written, what an audit answers, the bills. Nothing here needs a network."""

import json
import shutil
from collections import defaultdict
from datetime import UTC, datetime, timedelta
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest

from tools import audit, lock, sbom

ROOT = Path(lock.__file__).parent.parent
JOBS = ("serve", "train", "monitor", "notebook", "dev")


def test_the_lock_is_written_as_it_is_read() -> None:
    text = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    parts = text.removeprefix(lock.HEADER).split("    # for: ")
    by_job: dict[str, list[lock.Row]] = defaultdict(list, {job: [] for job in JOBS})
    row = parts[0]
    for part in parts[1:]:
        jobs, _, following = part.partition("\n")
        for job in jobs.split():
            by_job[job] += lock.rows(row)
        row = following

    assert lock.HEADER + lock.render(by_job, lock.notes(text)) == text


def test_a_row_needed_everywhere_by_one_job_has_no_marker() -> None:
    everywhere = lock.Row("a", "1", "", ("00",))
    windows = everywhere._replace(marker="sys_platform == 'win32'")

    assert lock.render({"serve": [windows], "dev": [everywhere]}, {}).startswith("a==1 \\\n")
    assert lock.render({"serve": [windows]}, None).startswith("a==1 ; sys_platform == 'win32' \\\n")


def test_a_row_that_is_set_apart_is_for_that_job_alone() -> None:
    row = lock.Row("a", "1", "", ("00",), apart="more")
    shared = [row, row._replace(apart="")]

    assert lock.render({"train": [row], "dev": [row]}, {}).endswith("00\n    # for: more\n")
    assert lock.render({"train": [shared[0]], "dev": [shared[1]]}, {}).endswith("for: dev more\n")


def test_a_comment_beneath_a_row_stays_as_long_as_its_version() -> None:
    row, other = lock.Row("a", "1.0", "", ("00",)), lock.Row("b", "1", "", ("11",))
    text = lock.render({"train": [row, other]}, {("a", "1.0"): "# see: elsewhere\n# and here\n"})

    again = lock.render({"train": [row, other]}, lock.notes(lock.HEADER + text))
    later = lock.render({"train": [row._replace(version="2.0"), other]}, lock.notes(text))

    assert again == text
    assert "    # for: train\n# see: elsewhere\n# and here\nb==1" in text
    assert lock.rows(text) == [row, other]
    assert "elsewhere" not in later


def test_a_row_without_hashes_is_refused() -> None:
    with pytest.raises(lock.LockError, match="numpy==2"):
        lock.rows("numpy==2.0\n")


def test_a_group_may_hold_another() -> None:
    listed = {
        "serve": ["numpy==2.0"],
        "my-own": [{"include-group": "Serve"}, "duckdb", {"include-group": "more"}],
        "more": ["duckdb", "tqdm>=4"],
    }

    assert lock.groups({"dependency-groups": listed}) == {
        "serve": ["numpy==2.0"],
        "my-own": ["numpy==2.0", "duckdb", "tqdm>=4"],
        "more": ["duckdb", "tqdm>=4"],
    }


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        ({"include-group": "b"}, "'a' includes 'b', and there is no such group; there are: a"),
        ({"include-group": "A"}, "a group includes itself: a -> a"),
        ({"include-group": "a", "extra": 1}, "'a' holds {"),
        (3, "'a' holds 3; a group holds requirements and"),
    ],
)
def test_a_group_that_cannot_be_read_is_refused_by_name(entry: object, said: str) -> None:
    with pytest.raises(lock.LockError) as refusal:
        lock.groups({"dependency-groups": {"a": [entry]}})

    assert said in str(refusal.value)


@pytest.fixture
def locked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with three locks, one of them of a folder in it; and one that is none of ours."""
    for name in ("requirements.lock", "requirements-serve.lock", "apart/requirements.lock"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("demo==1.0 \\\n    --hash=sha256:" + "0" * 64 + "\n")
    (tmp_path / ".venv/lib").mkdir(parents=True)
    shutil.copy(tmp_path / "requirements.lock", tmp_path / ".venv/lib")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_every_lock_gets_a_bill_of_materials(
    locked: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    mit = [{"license": {"id": "MIT"}}]
    known = {Path(): {("demo", "1.0"): mit}, Path("apart"): {("demo", "2.0"): mit}}
    monkeypatch.setattr(sbom, "licences", lambda folder: known[folder])

    assert sbom.main([]) == 0

    for name in ("sbom.json", "sbom-serve.json", "sbom-apart.json"):
        [part] = json.loads((locked / name).read_text(encoding="utf-8"))["components"]
        assert (part["name"], part["version"]) == ("demo", "1.0")
        assert part.get("licenses") == (None if name == "sbom-apart.json" else mit)
    assert len(list(locked.glob("sbom*"))) == 3
    assert capsys.readouterr().out.count("no licence is known of demo") == 1


def test_licences_are_those_of_the_installed_packages(tmp_path: Path) -> None:
    found = sbom.licences(Path())

    assert found["pytest", version("pytest")][0]["license"]["id"] == "MIT"
    assert len(found) > 50
    assert sbom.licences(tmp_path) == {}  # a folder whose environment is not made yet


@pytest.mark.usefixtures("locked")
@pytest.mark.parametrize(
    ("here", "apart", "code"), [(1, 69, 1), (69, 1, 1), (0, 69, 69), (2, 1, 2)]
)
def test_every_lock_is_audited_and_the_worst_answer_counts(
    monkeypatch: pytest.MonkeyPatch, here: int, apart: int, code: int
) -> None:
    answers = {"requirements.lock": here, "apart/requirements.lock": apart}
    monkeypatch.setattr(audit, "audit", lambda lock, _: answers[lock.as_posix()])

    assert audit.main([]) == code


def package(name: str, **more: Any) -> dict[str, Any]:
    """An answer of the advisory service."""
    return {"name": name, "version": "1.0", "vulns": [], **more}


def test_a_known_vulnerability_is_named_with_its_fix(capsys: pytest.CaptureFixture[str]) -> None:
    hole = {"id": "CVE-2030-1", "fix_versions": ["1.1"]}

    assert audit.report("my.lock", [package("a"), package("b", vulns=[hole])]) == 1
    assert "b 1.0: CVE-2030-1, fixed in 1.1\n" in capsys.readouterr().out


def test_a_silent_service_is_not_taken_for_a_clean_result(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert audit.report("my.lock", [package("a")]) == 0
    unknown = [{"name": "a", "skip_reason": "not found"}]
    assert audit.report("my.lock", unknown) == audit.UNREACHABLE
    said = "requests.exceptions.ConnectionError: no route"
    assert audit.failed("my.lock", said) == audit.UNREACHABLE
    assert capsys.readouterr().out.count("nothing was checked") == 2


@pytest.mark.usefixtures("locked")
@pytest.mark.parametrize(
    ("remembered", "code"),
    [(0, 0), (7, 0), (8, 69), (-1, 69), (None, 69), ("nonsense", 69)],
)
def test_silence_is_borne_for_a_week_after_an_answer(
    monkeypatch: pytest.MonkeyPatch, remembered: int | str | None, code: int
) -> None:
    monkeypatch.setattr(audit, "audit", lambda *_: audit.UNREACHABLE)
    if remembered is not None:
        audit.ANSWERED.parent.mkdir()
        today = datetime.now(UTC).date()
        day = today - timedelta(remembered) if isinstance(remembered, int) else remembered
        audit.ANSWERED.write_text(str(day), encoding="utf-8")

    assert audit.main(["--patience", "7"]) == code
    assert audit.main([]) == 69  # without the option silence is what it is


@pytest.mark.usefixtures("locked")
@pytest.mark.parametrize("answer", [0, 1])
def test_an_answer_is_remembered_and_a_hole_is_never_borne(
    monkeypatch: pytest.MonkeyPatch, answer: int
) -> None:
    asked: list[list[str]] = []
    monkeypatch.setattr(audit, "audit", lambda _, argv: asked.append(argv) or answer)

    assert audit.main(["--patience", "7", "--timeout", "3"]) == answer
    assert audit.ANSWERED.read_text("utf-8") == str(datetime.now(UTC).date())
    assert asked[0] == ["--timeout", "3"]  # the rest is pip-audit's
