"""Refuse secrets in files: keys with a known form, passwords in addresses, values that look random.

Without names every file that git tracks or would add is looked at; what was committed earlier and
is gone is not. A line that holds `not a secret` is passed over. Exit code 1 when one is found; what
was found is not printed.
"""

from __future__ import annotations

import argparse
import math
import re
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from .leftovers import git

ALLOWED = "not a secret"
FORMS = {  # the forms that the issuers document, so that their own scanners find them
    "private key": r"-----BEGIN (?:[A-Z]+ )?PRIVATE KEY(?: BLOCK)?-----",
    "AWS access key": r"\b(?:AKIA|ASIA)[A-Z2-7]{16}\b",
    "GitHub token": r"\b(?:gh[oprsu]_[A-Za-z0-9]{36}|github_pat_[A-Za-z0-9_]{50})",
    "GitLab token": r"\bglpat-[A-Za-z0-9_-]{20}",
    "Slack token": r"\bxox[abeoprs]-[A-Za-z0-9-]{20}",
    "Google API key": r"\bAIza[A-Za-z0-9_-]{35}",
    "Hugging Face token": r"\bhf_[A-Za-z0-9]{34}",
    "package registry token": r"\b(?:pypi-AgEI[A-Za-z0-9_-]{50}|npm_[A-Za-z0-9]{36})",
    "API key": r"\bsk[-_](?:live_|ant-|proj-)?[A-Za-z0-9_-]{32}",
    "JSON web token": r"\beyJ[A-Za-z0-9_-]{10,}\.eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10}",
    "password in an address": r"\b[a-z][a-z0-9+.-]*://[^\s/:@'\"`<>${}]+:[^\s/:@'\"`<>${}]{6,}@\w",
}
FORM = re.compile("|".join(f"({form})" for form in FORMS.values()))
NAMED = re.compile(
    r"(?i)(?:passw(?:or)?d|secret|token|(?:api|access)[_-]?key|credential)[\w-]*['\"]?\s*[:=]\s*"
    r"(?:['\"]([^'\"\s]{16,})['\"]|([A-Za-z0-9+/=_-]{20,})\s*$)"
)
RANDOM = 3.5  # bits in a character: 20 of chance have about 4; words have less, or no digit


def main(argv: list[str]) -> int:
    """Name each place, and never the secret."""
    parser = argparse.ArgumentParser(prog="run.py secrets", description=__doc__)
    parser.add_argument("file", nargs="*", type=Path)
    tracked = ["ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    names = parser.parse_args(argv).file or [*map(Path, "".join(git(*tracked)).split("\0")[:-1])]
    found = [f"{name}:{line}: {what}" for name in names for line, what in scan(name)]
    for place in found:
        print(f"a secret in a file: {place}")
    if found:
        print(f"Secrets come from the environment. If it is none, say so in the line: {ALLOWED}")
    return 1 if found else 0


def scan(file: Path) -> Iterator[tuple[int, str]]:
    """The lines of a file that hold a secret, and of which kind; none for what is no file."""
    if not file.is_file():
        return
    text = file.read_bytes().decode("utf-8", errors="replace")
    for number, line in enumerate(text.split("\n"), start=1):
        if ALLOWED in line:
            continue
        if form := FORM.search(line):
            yield number, [*FORMS][(form.lastindex or 1) - 1]
        elif (named := NAMED.search(line)) and looks_random(named[1] or named[2]):
            yield number, "a value that looks random, under a name that says secret"


def looks_random(text: str) -> bool:
    """Whether letters and digits are mixed, with the entropy (Shannon) of chance."""
    counts = Counter(text).values()
    entropy = -sum(n / len(text) * math.log2(n / len(text)) for n in counts)
    return bool(re.search("[0-9]", text) and re.search("[A-Za-z]", text)) and entropy >= RANDOM


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
