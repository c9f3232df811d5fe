"""MODEL_CARD.md: what the champion is, written from its contract and its run, never by hand.

The headings follow Mitchell et al., "Model Cards for Model Reporting" (2019).
"""

import re
from importlib import resources
from pathlib import Path

from jinja2 import Environment

from engine.registry.bundle import Bundle
from engine.registry.runs import RunRecord

FILE = "MODEL_CARD.md"


def write_card(bundle: Bundle, record: RunRecord, version: int, path: str = FILE) -> None:
    """Write the card of a version that was just promoted."""
    Path(path).write_text(render(bundle, record, version), encoding="utf-8")


def render(bundle: Bundle, record: RunRecord, version: int) -> str:
    """The card as Markdown; the same run always gives the same text."""
    text = (resources.files(__package__) / "card.md").read_text(encoding="utf-8")
    environment = Environment(trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True)
    return environment.from_string(text).render(
        contract=bundle.contract, manifest=bundle.manifest, run=record, version=version
    )


def described_contract(path: str = FILE) -> str | None:
    """The fingerprint of the contract a card describes; None when there is no card."""
    if not Path(path).exists():
        return None
    found = re.search(r"Contract fingerprint: `(\w+)`", Path(path).read_text(encoding="utf-8"))
    return found.group(1) if found else "none"
