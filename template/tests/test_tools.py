"""The lock that is written, and what an audit answers. Nothing here needs a network."""

from pathlib import Path
from typing import Any

import pytest

from tools import audit, lock

ROOT = Path(lock.__file__).parent.parent


def test_the_lock_is_written_as_it_is_read() -> None:
    text = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    parts = text.removeprefix(lock.HEADER).split("    # for: ")
    by_job: dict[str, list[lock.Row]] = {job: [] for job in ("serve", "train", "monitor", "dev")}
    row = parts[0]
    for part in parts[1:]:
        jobs, _, following = part.partition("\n")
        for job in jobs.split():
            by_job[job] += lock.rows(row)
        row = following

    assert lock.HEADER + lock.render(by_job) == text


def test_a_row_needed_everywhere_by_one_job_has_no_marker() -> None:
    everywhere = lock.Row("a", "1", "", ("00",))
    windows = everywhere._replace(marker="sys_platform == 'win32'")

    assert lock.render({"serve": [windows], "dev": [everywhere]}).startswith("a==1 \\\n")
    assert lock.render({"serve": [windows]}).startswith("a==1 ; sys_platform == 'win32' \\\n")


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
