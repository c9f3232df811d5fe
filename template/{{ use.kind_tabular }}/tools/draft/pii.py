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
    "names of people": re.compile(r"(.*, )?(Mr|Mrs|Ms|Miss|Master|Dr|Prof|Rev|Herr|Frau)\b\.? .*"),
}
PERSON = re.compile(r"[^\W\d_a-z][^\W\d_]*\.?([ ,'-]+[^\W\d_]+\.?){0,4}")  # capital, no digits
FEW = 20  # so many different texts may be kinds of something
SMALLEST_NUMBER = 10_000  # every telephone or passport number is above it, and no column of counts
OLDEST = 120  # years


def words(name: str) -> list[str]:
    """The words of a column name: CustomerId, customer_id and customer.id alike."""
    return [word.casefold() for word in WORD.findall(name)]


def is_key(profile: Profile) -> bool:
    """Whether a column seems to name something instead of measuring it."""
    last = words(profile.name)[-1:]
    named = bool(LISTS["key"] & set(last))
    if profile.kind in ("integer", "text"):
        named = named or bool(LISTS["entity"] & set(last))
    many = profile.distinct > max(50, min(profile.known / 100, 1000))
    return (named and many) or profile.is_sequence or _is_code(profile)


def is_event(name: str) -> bool:
    """Whether a column is simply called the time, the date, the timestamp."""
    return bool(words(name)) and set(words(name)) <= LISTS["event"]


def is_entity(name: str) -> bool:
    """Whether a column is called after somebody or something that rows can be about."""
    return bool(LISTS["entity"] & set(words(name)))


def personal(profile: Profile) -> str:
    """Why a column seems to hold personal data; empty when nothing points to it."""
    found = words(profile.name)
    if marked := [word for word in found if word in LISTS["personal"]]:
        return f"its name ({marked[0]!r}) points to personal data"
    if (marked := [word for word in found if word in LISTS["contact"]]) and _is_various(profile):
        return f"its name ({marked[0]!r}) points to personal data"
    for what, pattern in PATTERNS.items():
        if profile.kind == "text" and _are(pattern, profile):
            return f"its values look like {what}"
    named = "name" in found and (found == ["name"] or LISTS["person"] & set(found))
    if named and profile.kind == "text" and _are(PERSON, profile):
        return "it may hold the names of people"
    return ""


def sensitive(profile: Profile, *, of_people: bool) -> bool:
    """Whether name and values point to a group that decisions should not depend on."""
    found = LISTS["sensitive"] & set(words(profile.name))
    return bool(found) and not no_person(profile, of_people=of_people)


def no_person(profile: Profile, *, of_people: bool) -> str:
    """Why an age is not that of a person; empty when it may be, or when the column is none."""
    found = set(words(profile.name))
    if LISTS["sensitive"] & found != {"age"}:
        return ""
    if thing := LISTS["things"] & found:
        return f"its name speaks of {min(thing)!r}"
    if profile.kind in ("number", "integer") and not (profile.low >= 0 and profile.high <= OLDEST):
        return f"it goes from {profile.low:g} to {profile.high:g}"
    return "" if of_people else "no other column speaks of people"


def is_of_people(names: list[str]) -> bool:
    """Whether a table speaks of people in the name of any column."""
    return any(LISTS["people"] & set(words(name)) for name in names)


def _is_various(profile: Profile) -> bool:
    """Whether values could each belong to somebody: not yes and no, a few kinds, or a count."""
    if profile.kind in ("number", "integer"):
        return profile.low >= SMALLEST_NUMBER
    return profile.kind == "text" and profile.distinct > FEW


def _are(pattern: re.Pattern[str], profile: Profile) -> bool:
    hits = sum(pattern.fullmatch(text.strip()) is not None for text in profile.sample)
    return hits > 0.5 * len(profile.sample)


def _is_code(profile: Profile) -> bool:
    """Texts without spaces that never repeat and hold digits, such as A-1041 or a UUID."""
    if profile.kind != "text" or not profile.is_unique:
        return False
    return all(" " not in text and any(c.isdigit() for c in text) for text in profile.sample)
