"""A request as the command that sends it, in lines that fit a terminal."""

import shlex
from pathlib import Path
from typing import Any

import msgspec

WIDTH = 78
LINES = 40  # a longer body hides the answer that stands under it


def command(url: str, body: Any = None, *, with_key: bool = False, file: Path | None = None) -> str:
    """The command for a POSIX shell; `url` is quoted by the caller, if it has to be.

    A body of more lines than one reads at a glance is written to `file`, if one is given.
    """
    parts = [f"curl -s {url}"]
    if with_key:
        parts.append('-H "X-API-Key: $APP_API_KEY"')
    if body is not None:
        parts.append("-H 'Content-Type: application/json'")
        text = wrapped(body)
        if file and text.count("\n") > LINES:
            file.parent.mkdir(exist_ok=True)
            file.write_text(text + "\n", "utf-8")
            text = f"@{file}"
        parts.append(f"-d {shlex.quote(text)}")
    return " \\\n  ".join(parts)


def wrapped(value: Any, indent: str = "", width: int = WIDTH) -> str:
    """JSON in as few lines as fit the width."""
    flat = msgspec.json.encode(value).decode()
    if not isinstance(value, dict | list) or len(indent) + len(flat) <= width - 8:
        return flat
    inner = f"{indent}  "
    items = [wrapped(each, inner, width) for each in value]
    if isinstance(value, dict):
        items = [f"{_name(name)}: {wrapped(each, inner, width)}" for name, each in value.items()]
    lines = [inner + items[0]]
    for item in items[1:]:
        lines[-1] += ","
        if len(lines[-1].rpartition("\n")[2]) + len(item) + 2 <= width and "\n" not in item:
            lines[-1] += f" {item}"
        else:
            lines.append(inner + item)
    first, last = "{}" if isinstance(value, dict) else "[]"
    return "\n".join([first, *lines, indent + last])


def _name(name: str) -> str:
    return msgspec.json.encode(name).decode()
