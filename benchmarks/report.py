"""Tables of measurements, printed and kept in a page between markers."""

import platform
import re
from datetime import UTC, datetime
from pathlib import Path

PAGE = Path(__file__).resolve().parent.parent / "docs" / "benchmarks.md"


def publish(section: str, table: str, command: str, to: Path = PAGE) -> None:
    """Print a table and put it in the page's section of this name, with date and command."""
    made = f"{datetime.now(UTC):%Y-%m-%d}, {platform.system()} {platform.machine()}"
    text = f"`{command}`, {made}, Python {platform.python_version()}:\n\n{table}\n"
    print(text)
    begin, end = f"<!-- {section} -->", f"<!-- end {section} -->"
    page = to.read_text(encoding="utf-8")
    pattern = re.compile(f"{re.escape(begin)}.*?{re.escape(end)}", re.DOTALL)
    if not pattern.search(page):
        raise SystemExit(f"{to} has no section {begin} ... {end}")
    to.write_text(pattern.sub(lambda _: f"{begin}\n{text}{end}", page), encoding="utf-8")
