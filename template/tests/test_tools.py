"""The lock that is written, and what an audit answers. Nothing here needs a network."""

from pathlib import Path
from typing import Any

import pytest

from tools import audit, lock

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


def package(name: str, **more: Any) -> dict[str, Any]:
    """An answer of the advisory service."""
    return {"name": name, "version": "1.0", "vulns": [], **more}


def test_a_known_vulnerability_is_named_with_its_fix(capsys: pytest.CaptureFixture[str]) -> None:
    hole = {"id": "CVE-2030-1", "fix_versions": ["1.1"]}

    assert audit.report([package("a"), package("b", vulns=[hole])]) == 1
    assert "b 1.0: CVE-2030-1, fixed in 1.1\n" in capsys.readouterr().out


def test_a_silent_service_is_not_taken_for_a_clean_result(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert audit.report([package("a")]) == 0
    assert audit.report([{"name": "a", "skip_reason": "not found"}]) == audit.UNREACHABLE
    assert audit.failed("requests.exceptions.ConnectionError: no route") == audit.UNREACHABLE
    assert capsys.readouterr().out.count("nothing was checked") == 2
