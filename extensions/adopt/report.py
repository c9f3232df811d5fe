"""The report of an adoption, for the terminal and for docs/adoption.md on the branch."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from extensions.adopt.answers import Answer
from extensions.adopt.hand import Hand
from extensions.adopt.merge import Outcome

PAGE = "docs/adoption.md"
KINDS = {  # in the order of the report; the ones without a list would be long and say little
    "yours": ("yours, as they were", False),
    "edited": ("of the old template, kept because of your edits", True),
    "merged": ("your edits merged into this template's file", True),
    "united": ("yours and this template's in one file", True),
    "conflict": ("merged with conflicts, marked in the file", True),
    "beside": ("this template's, standing beside yours", True),
    "replaced": ("not edited by you, now this template's", True),
    "new": ("new, of this template", False),
    "gone": ("of the old template and not edited: gone, still in the history", True),
    "blocked": ("of this template, without a place", True),
}


class Story(NamedTuple):
    """What happened."""

    origin: str
    commit: str
    release: str
    answers: Sequence[Answer]
    outcomes: Mapping[str, Outcome]
    hands: Sequence[Hand]
    notes: Sequence[str]


def counted(story: Story) -> Iterable[str]:
    """One line for each kind of decision: how many files, and in words."""
    numbers = Counter(outcome.kind for outcome in story.outcomes.values())
    return (f"{numbers[kind]:>5}  {words}" for kind, (words, _) in KINDS.items() if numbers[kind])


def page(story: Story) -> str:
    """docs/adoption.md."""
    parts = [
        "# Adoption",
        f"From {story.origin}, at commit {story.commit[:10]}, onto copier-ml {story.release}.\n"
        "Delete this page when its list is done.",
        "## Needs a hand",
        "\n".join(f"- [ ] `{path}`: {what}" for path, what in story.hands) or "Nothing.",
        "## Answers",
        "| question | answer | from |\n| --- | --- | --- |\n"
        + "\n".join(
            f"| {it.question} | {cell(it.value) or 'no equal here'} | {cell(it.source)} |"
            for it in story.answers
        ),
        "All others are what the template recommends; change any with"
        " `python3 run.py template update -d QUESTION=ANSWER`.",
        *([f"Note: {note}." for note in story.notes]),
        "## Files",
        "```\n" + "\n".join(counted(story)) + "\n```",
    ]
    for kind, (words, listed) in KINDS.items():
        paths = [path for path, outcome in story.outcomes.items() if outcome.kind == kind]
        if listed and paths:
            parts += [f"### {words[0].upper()}{words[1:]}", "\n".join(f"- `{p}`" for p in paths)]
    return "\n\n".join(parts) + "\n"


def cell(text: str) -> str:
    """A text that fits into a table."""
    return text.replace("|", "\\|")


def told(story: Story, branch: str) -> str:
    """What the terminal shows."""
    rows = [f"adopt: from {story.origin}, onto copier-ml {story.release}"]
    rows += [f"adopt: {note}" for note in story.notes]
    for it in story.answers:
        rows.append(f"    {it.question} = {it.value or '(no equal here)'}    from {it.source}")
    rows += counted(story)
    if story.hands:
        rows.append(f"adopt: {len(story.hands)} need a hand:")
        rows += [f"    {path}: {what}" for path, what in story.hands]
    rows.append(f"adopt: done on the branch {branch}; what was checked out is untouched. Next:")
    rows.append(f"    git switch {branch}    # then read {PAGE}, and: python3 run.py up")
    return "\n".join(rows)
