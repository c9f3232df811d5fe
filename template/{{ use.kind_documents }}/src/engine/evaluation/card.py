"""Index cards: what a version is, written from its contract and its run, never by hand.

MODEL_CARD.md is the champion's; until there is one, that of the latest run. The card of each run
lies beside its record. The headings follow Mitchell et al., "Model Cards for Model Reporting".
"""

import html
import re
from importlib import resources
from pathlib import Path
from typing import Any

from jinja2 import Environment

from engine.core.storage import Storage
from engine.evaluation.judging.people import wanted
from engine.registry.bundle import Bundle
from engine.registry.registry import Registry
from engine.registry.runs import RunRecord

FILE = "MODEL_CARD.md"


def write_card(bundle: Bundle, record: RunRecord, version: int, path: str = FILE) -> None:
    """Write the card of a version that was just promoted."""
    Path(path).write_text(render(bundle, record, version), encoding="utf-8")


def write_run(storage: Storage, bundle: Bundle, record: RunRecord) -> str:
    """Write the card of a run that just ended, whatever became of it; returns its place."""
    text = render(bundle, record, None)
    name = f"runs/{record.run_id}/{FILE}"
    storage.write(name, text.encode())
    if Registry(storage).state().champion is not None:
        return f"{storage.url}/{name}"
    Path(FILE).write_text(text, encoding="utf-8")
    return FILE


def render(bundle: Bundle, record: RunRecord, version: int | None) -> str:
    """The card as Markdown; the same run always gives the same text."""
    text = (resources.files(__package__) / "card.md").read_text(encoding="utf-8")
    environment = Environment(
        trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True, finalize=_plain
    )
    environment.filters["code"] = _code
    return environment.from_string(text).render(
        contract=bundle.contract,
        manifest=bundle.manifest,
        run=record,
        version=version,
        wanted=wanted(record.judged, bundle.contract.judge.labels) if record.judged else "",
    )


class _Markdown(str):
    """Text that is Markdown already."""


def _plain(value: Any) -> Any:
    """Text of the documents as Markdown that shows it as it stands: no HTML, no markup, no link."""
    if isinstance(value, _Markdown) or not isinstance(value, str):
        return value
    text = re.sub(r"([\\`*\[\]#~|$]|(?<![^\W_])_|_(?![^\W_]))", r"\\\1", _one_line(value))
    return html.escape(text, quote=False)


def _code(value: object) -> _Markdown:
    """Text between backticks, of which there are more than anywhere in it (CommonMark 6.1)."""
    text = _one_line(str(value))
    fence = "`" * (1 + max(map(len, re.findall("`+", text)), default=0))
    space = " " if text.startswith("`") or text.endswith("`") else ""
    return _Markdown(f"{fence}{space}{text}{space}{fence}")


def _one_line(text: str) -> str:
    return re.sub(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+", " ", text)
