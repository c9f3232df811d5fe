"""`deploy --check` of any platform, with files that cannot be read."""

from pathlib import Path

import pytest

from engine.core.errors import ProjectError
from tools.deploy import Check, read_text
from tools.deploy.__main__ import look


@pytest.mark.parametrize(
    ("content", "said"),
    [(None, "file.yml: No such file"), (b"a\xffb", "file.yml is no text: byte 1 is not UTF-8")],
)
def test_a_file_that_cannot_be_read_is_a_fault_and_the_next_check_is_made(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], content: bytes | None, said: str
) -> None:
    path = tmp_path / "file.yml"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ProjectError, match=said):
        read_text(path)

    found = look([Check("first", lambda: [read_text(path)]), Check("second", list)])

    assert [said in fault for fault in found] == [True]
    printed = capsys.readouterr().out.splitlines()
    assert [line.split() for line in printed if "first" in line or "second" in line] == [
        ["FAULT", "first"],
        ["ok", "second"],
    ]
