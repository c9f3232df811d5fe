"""The lock that is written, what an audit answers, the bills. Nothing here needs a network."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from tools import audit, lock, sbom

ROOT = Path(lock.__file__).parent.parent
JOBS = ("serve", "train", "monitor", "dev")


def test_the_lock_is_written_as_it_is_read() -> None:
    text = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    parts = text.removeprefix(lock.HEADER).split("    # for: ")
    by_job: dict[str, list[lock.Row]] = {job: [] for job in (*JOBS, "cuda")}
    row = parts[0]
    for part in parts[1:]:
        jobs, _, following = part.partition("\n")
        for job in jobs.split():
            by_job[job] += lock.rows(row)
        row = following

    assert lock.HEADER + lock.render(by_job, lock.cpu_builds(text)) == text


def test_a_row_needed_everywhere_by_one_job_has_no_marker() -> None:
    everywhere = lock.Row("a", "1", "", ("00",))
    windows = everywhere._replace(marker="sys_platform == 'win32'")

    assert lock.render({"serve": [windows], "dev": [everywhere]}, {}).startswith("a==1 \\\n")
    assert lock.render({"serve": [windows]}, None).startswith("a==1 ; sys_platform == 'win32' \\\n")


CARD = lock.Row("nvidia-demo", "1", "sys_platform == 'linux'", ("22",), cuda=True)
UV_LOCK = """
[[package]]
name = "torch"
dependencies = [
    { name = "filelock" },
    { name = "colorama", marker = "sys_platform == 'win32'" },
    { name = "nvidia-demo", marker = "sys_platform == 'linux'" },
]
[[package]]
name = "uvloop"
dependencies = [{ name = "libuv", marker = "sys_platform == 'linux'" }]
"""


def test_what_pytorch_needs_on_linux_alone_is_for_cuda() -> None:
    assert lock.cuda(UV_LOCK) == ["nvidia-demo"]
    assert lock.render({"train": [CARD], "dev": [CARD]}, {}).endswith("22\n    # for: cuda\n")


def test_a_build_for_the_cpu_is_accepted_and_stays(tmp_path: Path) -> None:
    row = lock.Row("torch", "2.1", "", ("00",))
    wheel = tmp_path / "torch-2.1+cpu-cp311-cp311-linux_x86_64.whl"
    wheel.write_bytes(b"")

    first = lock.render({"train": [row]}, {})
    accepted = lock.render({"train": [row]}, lock.cpu_builds(first, [wheel]))
    again = lock.render({"train": [row]}, lock.cpu_builds(accepted))
    later = lock.render({"train": [row._replace(version="2.2")]}, lock.cpu_builds(accepted))

    assert accepted.splitlines()[-1].startswith("# cpu: torch==2.1+cpu --hash=sha256:e3b0c442")
    assert again == accepted
    assert "# cpu" not in later
    assert lock.rows(accepted) == [row]


@pytest.mark.parametrize(
    "name", ["torch-2.0+cpu-a.whl", "torch-2.1-a.whl", "x.whl", "gone-1+cpu-a.whl"]
)
def test_another_file_is_no_build_of_what_is_locked(tmp_path: Path, name: str) -> None:
    if "gone" not in name:
        (tmp_path / name).touch()

    with pytest.raises(lock.LockError, match="of a locked version"):
        lock.cpu_builds("torch==2.1 \\\n", [tmp_path / name])


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


def test_every_lock_gets_a_bill_of_materials(locked: Path) -> None:
    assert sbom.main([]) == 0

    for name in ("sbom.json", "sbom-serve.json", "sbom-apart.json"):
        bill = json.loads((locked / name).read_text(encoding="utf-8"))
        assert [(each["name"], each["version"]) for each in bill["components"]] == [("demo", "1.0")]
    assert len(list(locked.glob("sbom*"))) == 3


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
