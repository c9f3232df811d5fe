"""Fill the folder that cookiecutter or cruft made with what Copier renders for the same answers."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

HANDED_OVER = Path(".cookiecutter-answers.json")  # written by cookiecutter, gone afterwards
ENGINE = Path(".copier-answers.yml")  # Copier's own; the other engine has its own


def answers(given: dict[str, str]) -> dict[str, str]:
    """The answers for Copier: what was left empty is decided by its own defaults."""
    texts = ("project_name", "description", "owner")
    found = {name: given[name] for name in texts if given[name]}
    for pair in given["answers"].split():
        name, is_pair, value = pair.partition("=")
        if not is_pair:
            sys.exit(f"answers: {pair!r} is not of the form QUESTION=ANSWER")
        found[name] = value
    return found


def main() -> int:
    """Render into this folder; the code is not 0 if an answer is refused, and the folder goes."""
    handed = json.loads(HANDED_OVER.read_text(encoding="utf-8"))
    HANDED_OVER.unlink()
    data = [word for pair in answers(handed).items() for word in ("-d", "=".join(pair))]
    options = ["--defaults", "--overwrite", "--quiet", "--vcs-ref", handed["release"]]
    call = [sys.executable, "-m", "copier", "copy", *options, *data, handed["template"], "."]
    done = subprocess.run(call)
    if done.returncode == 0:
        ENGINE.unlink()
    return done.returncode


if __name__ == "__main__":
    sys.exit(main())
