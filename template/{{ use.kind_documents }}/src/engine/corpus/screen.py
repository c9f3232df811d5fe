"""What a person should look at in a document: personal data, and sentences that speak to a model.

Patterns find what has a form: addresses of e-mail, cards (Luhn), accounts (IBAN), telephone
numbers. Names and postal addresses have none and are not found. The sentences that speak to a
model are known ones; whoever rephrases them is not found, so the safeguard is elsewhere: passages
are data to the prompt, the model has no tools, and an answer must quote what it rests on.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterator
from itertools import pairwise

from engine.corpus.document import Document, Warned

EMAIL = re.compile(r"(?<![\w.+-])[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63})+")
CARD = re.compile(r"(?<![\d.-])\d(?:[ -]?\d){12,18}(?![\d-]|\.\d)")
IBAN = re.compile(r"\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]){11,30}\b")
PHONE = re.compile(r"(?<![\w.])(?:\+|00)\d{1,3}(?:[ ()/.-]{0,2}\d){6,13}(?!\w)")
SPEAKS = re.compile(
    r"(?i)\b(?:(?:ignore|disregard|forget)\s+(?:all\s+|any\s+)?(?:(?:of\s+)?(?:the|your|these)\s+)?"
    r"(?:previous|prior|above|earlier|preceding)\s+(?:instructions?|rules?|prompts?|messages?)"
    r"|you\s+are\s+now\s+(?:a|an|in)\s+\w+"
    r"|(?:reveal|print|repeat|show)\s+(?:me\s+)?(?:your|the)\s+(?:system\s+)?prompt"
    r"|(?:system|assistant)\s*:\s*you\s+(?:must|are|will)"
    r"|do\s+not\s+tell\s+the\s+user)\b"
)


def _luhn(text: str) -> bool:
    digits = [int(c) for c in text if c.isdigit()]
    twice = [sum(divmod(2 * digit, 10)) for digit in digits[-2::-2]]
    return len(set(digits)) > 1 and (sum(digits[-1::-2]) + sum(twice)) % 10 == 0


def _mod97(text: str) -> bool:
    flat = text.replace(" ", "")
    if not 15 <= len(flat) <= 34:
        return False
    return int("".join(str(int(c, 36)) for c in flat[4:] + flat[:4])) % 97 == 1


# What it is called, a sign without which there is none (looked for first), and what tells it.
RULES: tuple[tuple[str, tuple[str, ...], re.Pattern[str], Callable[[str], bool]], ...] = (
    ("e-mail address", ("@",), EMAIL, lambda _: True),
    ("account number", ("",), IBAN, _mod97),
    ("card number", ("",), CARD, _luhn),
    ("telephone number", ("+", "00"), PHONE, lambda _: True),
)


def personal(text: str) -> Iterator[tuple[int, int, str]]:
    """Where personal data stand in a text, in order and apart, and of which kind they are."""
    found = [
        (match.start(), match.end(), kind)
        for kind, signs, pattern, holds in RULES
        if any(sign in text for sign in signs)
        for match in pattern.finditer(text)
        if holds(match[0])
    ]
    end = 0
    for start, stop, kind in sorted(found):
        if start >= end:
            yield start, stop, kind
            end = stop


def blotted(text: str) -> str:
    """The text with personal data replaced by what they are."""
    marks = [(0, 0, ""), *personal(text), (len(text), len(text), "")]
    parts = [
        text[before[1] : here[0]] + (f"[{here[2]}]" if here[2] else "")
        for before, here in pairwise(marks)
    ]
    return "".join(parts)


def speaks_to_a_model(text: str) -> list[str]:
    """Sentences of known forms that want to steer a language model."""
    return [match[0] for match in SPEAKS.finditer(text)]


def warnings(document: Document) -> list[Warned]:
    """What a person should look at in a document."""
    counts = Counter[str]()
    first: dict[str, str] = {}
    for start, stop, kind in personal(document.text):
        counts[kind] += 1
        near = document.text[max(0, start - 30) : min(len(document.text), stop + 30)]
        first.setdefault(kind, " ".join(blotted(near).split()))
    found = [Warned(document.name, kind, count, first[kind]) for kind, count in counts.items()]
    if said := speaks_to_a_model(document.text):
        found.append(Warned(document.name, "words to a model", len(said), said[0][:80]))
    return found
