"""Answers that survive Ctrl-C: a private file for each destination, in the user's state folder."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path
from typing import Any, NamedTuple

from platformdirs import user_state_path


class Kept(NamedTuple):
    """How much was to be decided, and the answers in the order in which they were given."""

    depth: str
    told: dict[str, Any]


class Shelf:
    """The file for one destination; where it cannot be written, nothing is kept."""

    def __init__(self, destination: Path) -> None:
        self.destination = str(destination.resolve())
        name = hashlib.sha256(self.destination.encode()).hexdigest()[:32]
        self.path = user_state_path("copier-ml") / "new" / f"{name}.json"

    def load(self) -> Kept | None:
        """What was kept; None if that is nothing, or not readable."""
        try:
            found = json.loads(self.path.read_text("utf-8"))
            return Kept(str(found["depth"]), dict(found["told"]))
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def save(self, kept: Kept) -> bool:
        """Keep the answers, readable for this user only; whether that was possible."""
        text = json.dumps({"destination": self.destination, **kept._asdict()}, ensure_ascii=False)
        new = self.path.with_suffix(f".{os.getpid()}")
        try:
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            new.touch(mode=0o600)
            new.write_text(text, "utf-8")
            new.replace(self.path)
        except OSError:
            return False
        return True

    def forget(self) -> None:
        """The repository is made: nothing is left to go on with."""
        try:
            self.path.unlink(missing_ok=True)
        except OSError:
            return
