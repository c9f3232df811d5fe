"""Answers that usually go together: presets/NAME.yml, a file for --data-file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

FOLDER = Path(__file__).resolve().parents[2] / "presets"


class PresetError(Exception):
    """There is no such preset."""


def described(folder: Path = FOLDER) -> dict[str, str]:
    """Each preset with its line of description, the comment that its file begins with."""
    return {
        path.stem: path.read_text("utf-8").partition("\n")[0].removeprefix("# ")
        for path in sorted(folder.glob("*.yml"))
    }


def answers(name: str, folder: Path = FOLDER) -> dict[str, Any]:
    """The answers of a preset; PresetError names those that there are."""
    known = described(folder)
    if name not in known:
        raise PresetError(f"--preset {name}: there is no such preset; there are {', '.join(known)}")
    found: dict[str, Any] = yaml.safe_load((folder / f"{name}.yml").read_text("utf-8"))
    return found
