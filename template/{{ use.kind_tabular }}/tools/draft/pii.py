"""What a column's name and values give away: keys, personal data, protected groups."""

import re
import tomllib
from importlib import resources

from tools.draft.profile import Profile

WORD = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+|[A-Z]+|\d+|[^\W\d_]+")

LISTS = {
    name: frozenset(words)
    for name, words in tomllib.loads(
        (resources.files(__package__) / "pii.toml").read_text(encoding="utf-8")
    ).items()
}
PATTERNS = {
    "e-mail addresses": re.compile(r"[^@\s]+@[^@\s]+\.[A-Za-z]{2,}"),
    "phone numbers": re.compile(r"(?=(?:\D*\d){9,15}\D*$)(\+|00|\(0|0)[\d ()/.-]+"),
    "network addresses": re.compile(r"(\d{1,3}\.){3}\d{1,3}"),
    "bank accounts": re.compile(r"[A-Z]{2}\d{2}( ?[A-Z0-9]{4}){3,7}( ?[A-Z0-9]{1,4})?"),
}


def words(name: str) -> list[str]:
    """The words of a column name: CustomerId, customer_id and customer.id alike."""
    return [word.casefold() for word in WORD.findall(name)]


def is_key(profile: Profile) -> bool:
    """Whether a column seems to name something instead of measuring it."""
    named = bool(words(profile.name)) and words(profile.name)[-1] in LISTS["key"]
    many = profile.distinct > max(50, profile.known / 100)
    return (named and many) or profile.is_sequence or _is_code(profile)


def is_event(name: str) -> bool:
    """Whether a column is simply called the time, the date, the timestamp."""
    return bool(words(name)) and set(words(name)) <= LISTS["event"]


def personal(profile: Profile) -> str:
    """Why a column seems to hold personal data; empty when nothing points to it."""
    found = words(profile.name)
    if marked := [word for word in found if word in LISTS["personal"]]:
        return f"its name ({marked[0]!r}) points to personal data"
    if "name" in found and (found == ["name"] or LISTS["person"] & set(found)):
        return "it may hold the names of people"
    for what, pattern in PATTERNS.items():
        hits = sum(pattern.fullmatch(text.strip()) is not None for text in profile.sample)
        if profile.kind == "text" and hits > 0.5 * len(profile.sample):
            return f"its values look like {what}"
    return ""


def sensitive(profile: Profile) -> bool:
    """Whether the name points to a group that decisions should not depend on."""
    return bool(LISTS["sensitive"] & set(words(profile.name)))


def _is_code(profile: Profile) -> bool:
    """Texts without spaces that never repeat and hold digits, such as A-1041 or a UUID."""
    if profile.kind != "text" or not profile.is_unique:
        return False
    return all(" " not in text and any(c.isdigit() for c in text) for text in profile.sample)
