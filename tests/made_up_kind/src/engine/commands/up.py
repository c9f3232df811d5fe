"""From nothing to an answer: a version with a word, promoted and served."""

import tempfile
from pathlib import Path

from engine.commands import start
from engine.core.settings import load_settings
from engine.core.storage import Storage
from engine.registry.bundle import WORD, write_bundle
from engine.registry.history import now
from engine.registry.registry import Registry
from engine.registry.sealed import Manifest


def main(argv: list[str]) -> int:
    """Make a version if there is none, then serve."""
    config = load_settings()
    registry = Registry(Storage(config.store))
    if registry.state().champion is None:
        with tempfile.TemporaryDirectory() as scratch:
            folder = Path(scratch)
            (folder / WORD).write_text("You said:", encoding="utf-8")
            digest = write_bundle(folder, Manifest(run_id="1", created=now(), family="echo"))
            registry.register(folder, "1", digest, {})
        registry.promote()
    return start.up(config, once="--once" in argv)
