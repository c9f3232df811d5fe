"""A refusal of the template, spelled as it was meant."""

from __future__ import annotations

import ast
import re

REFUSED = re.compile(r"""'dict object' has no attribute (?P<text>(["'])answers refused: .*\2)""")


def refusal(text: str) -> str:
    """A refusal spelled as it was meant; what a terminal would obey stays escaped."""
    return REFUSED.sub(lambda found: printable(str(ast.literal_eval(found["text"]))), text)


def printable(text: str) -> str:
    """The text on one line, with escapes for characters that do not print."""
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)
