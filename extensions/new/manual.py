"""What `new --help` says."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from typing import Any

from extensions.catalogue import catalogue, questions
from extensions.new.presets import described

USAGE = """usage: python3 run.py new DESTINATION [options]

    python3 run.py new ../churn                             a conversation
    python3 run.py new ../churn --preset churn-api          a summary to confirm
    python3 run.py new ../churn --defaults -d model=linear  asks nothing
    python3 run.py new ../churn --data-file answers.yml     asks what is left
"""


def manual(switches: str) -> str:
    """Usage, presets, every question with its values, and the options."""
    page = [USAGE, "Presets (--preset NAME):\n"]
    page += [row(name, text) for name, text in described().items()]
    page += ["\nQuestions (-d QUESTION=ANSWER; the default is in brackets):\n", *asked()]
    return "\n".join([*page, "\nOptions:\n", switches.rstrip()])


def asked() -> Iterator[str]:
    """A row for each question, in the order in which they are asked."""
    found = questions()
    limits = found["answers"]["default"]
    choices = {**limits["choices"], **catalogue()}
    for name, details in found.items():
        if "help" not in details:
            continue
        if name in limits["numbers"]:
            values = "{least} to {most}".format(**limits["numbers"][name])
        elif name in choices:
            values = " | ".join(choices[name]["options"])
        else:
            values = f"a text of at most {limits['texts'][name]} characters"
        yield row(name, f"{values}  ({default(details['default'])})")


def default(value: Any) -> str:
    """A default as it is, or how it is found."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if "_folder_name" in str(value):
        return "after the destination"
    if "{" in str(value):
        return "recommended" if "recommended." in str(value) else "from other answers"
    return str(value)


def row(name: str, text: str) -> str:
    """A name and its text, wrapped to 79 columns."""
    return textwrap.fill(text, 79, initial_indent=f"    {name:<18}", subsequent_indent=" " * 22)
