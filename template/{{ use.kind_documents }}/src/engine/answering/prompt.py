"""Prompts: versioned files, filled with passages that stay data."""

import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from engine.core.errors import AppError
from engine.retrieval.lexical import Passage, about

COMMENT = re.compile(r"(?s)\A\s*<!--(.*?)-->\s*")
VERSION = re.compile(r"(?m)^\s*version:\s*(\S+)\s*$")
SLOTS = ("{passages}", "{question}")
TAG = re.compile(r"(?i)<(/?)(passages|question|reference|answer)>")
CHARACTERS = 4  # to a token, on the safe side for English


def load(path: str, slots: Sequence[str] = SLOTS) -> bytes:
    """A prompt as its file holds it.

    Raises AppError when it is missing or lacks a slot.
    """
    try:
        content = Path(path).read_bytes()
        text = content.decode()
    except (OSError, UnicodeDecodeError) as error:
        raise AppError(f"the prompt {path} cannot be read: {error}") from None
    whole = COMMENT.sub("", text)
    for slot in slots:
        if whole.count(slot) != 1:
            raise AppError(
                f"the prompt {path} must hold {slot} once; it does so {whole.count(slot)}x"
            )
    return content


def version(content: bytes) -> str:
    """What the file calls its version, and the beginning of its hash."""
    said = COMMENT.match(content.decode())
    found = VERSION.search(said[1].replace("<!--", "")) if said else None
    return f"{found[1] if found else '?'} ({hashlib.sha256(content).hexdigest()[:12]})"


def fitting(passages: list[Passage], tokens: int) -> list[Passage]:
    """The best passages that fit; the first always does."""
    room, kept = tokens * CHARACTERS, list[Passage]()
    for passage in passages:
        room -= len(passage.text) + 80
        if kept and room < 0:
            break
        kept.append(passage)
    return kept


def filled(content: bytes, question: str, passages: list[Passage]) -> str:
    """The prompt for a question. A passage cannot end the list it stands in, nor fill a slot."""
    told = listed((about(p.title, p.heading), p.text) for p in passages)
    return fill(content, {"{passages}": told, "{question}": question})


def fill(content: bytes, values: Mapping[str, str]) -> str:
    """A prompt with its slots filled at once; no value can fill a slot or end where it stands."""
    slots = re.compile("|".join(map(re.escape, values)))
    return slots.sub(lambda slot: inside(values[slot[0]]), body(content))


def body(content: bytes) -> str:
    """What is sent of the file, with its slots."""
    return COMMENT.sub("", content.decode())


def listed(passages: Iterable[tuple[str, str]]) -> str:
    """Passages, each with what is said above it, under the numbers that an answer cites."""
    return "\n\n".join(
        f"[{number}] {inside(above)}\n{inside(text)}"
        for number, (above, text) in enumerate(passages, 1)
    )


def inside(text: str) -> str:
    """A text that cannot end the part of the prompt that it stands in."""
    return TAG.sub(r"(\1\2)", text)
