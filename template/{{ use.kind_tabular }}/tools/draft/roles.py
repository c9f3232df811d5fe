"""From what a column holds to its entry in the contract, with the reason for every guess."""

import math

from msgspec.structs import replace

from engine.contract.schema import Column, to_text
from engine.contract.types import LARGEST
from tools.draft.dialect import SENTINELS
from tools.draft.pii import LISTS, is_key, no_person, personal, sensitive, words
from tools.draft.profile import Profile

CATEGORIES = 100  # values of one category; the rarer ones are treated as missing
FEW_ROWS = 10  # a value seen less often teaches a model nothing
CLOSED = 20  # up to so many values a list is taken to be complete
LEARNT = 1 / 3  # a category is learnt when the kept values cover this share of the rows
MOST_CODES = 31  # whole numbers of a code: days of a month
WIDER = 0.1  # how far beyond what was seen a number may lie, as a share of the range
LONG = 60  # characters on average from which a text is prose

Guess = tuple[Column, list[str]]


def column(profile: Profile, *, of_people: bool = True) -> Guess:
    """The entry of a column that is neither target nor timestamp, and what to say about it.

    `of_people` says whether the table speaks of people, so that an age may be that of one.
    """
    nullable = profile.missing > 0
    if profile.kind == "empty":
        return Column(type="text", role="ignored", nullable=True), ["no row has a value"]
    if reason := personal(profile):
        kind = profile.kind
        return Column(type=kind, role="ignored", nullable=nullable, personal=True), [
            f"{reason}: kept from the model, from logs and from reports"
        ]
    if profile.distinct == 1:
        entry, _ = _by_kind(profile, nullable)
        return replace(entry, role="ignored"), [
            f"every value is {next(iter(profile.counts), '')[:40]!r}"
        ]
    if is_key(profile):
        kind = "integer" if profile.kind == "integer" else "text"
        once = "is different in every row" if profile.is_unique else "names things that come again"
        return Column(type=kind, role="ignored", nullable=nullable), [f"looks like a key: {once}"]
    entry, why = _by_kind(profile, nullable)
    if reason := no_person(profile, of_people=of_people):
        why.append(
            f"taken for the age of a thing, because {reason}; if it is that of a person: "
            'role = "audit", sensitive = true'
        )
    if sensitive(profile, of_people=of_people) and entry.role == "feature":
        entry = replace(entry, role="audit", sensitive=True)
        why.append(
            "may be a protected group: kept from the model, but its errors are compared between "
            'groups; role = "feature" lets the model see it'
        )
    return entry, why


def _by_kind(profile: Profile, nullable: bool) -> Guess:
    if profile.kind == "text":
        return _text(profile, nullable)
    if profile.kind in ("number", "integer"):
        if max(abs(profile.low), abs(profile.high)) > LARGEST:
            return Column(type=profile.kind, role="ignored", nullable=nullable), [
                f"it goes from {profile.low:g} to {profile.high:g}, and a model takes numbers up "
                f"to {LARGEST:g}: kept from the model; correct or remove what is beyond"
            ]
        low, high = bounds(profile)
        entry = Column(type=profile.kind, nullable=nullable, min=low, max=high, unit=profile.unit)
        odd = [bound for bound in (profile.low, profile.high) if bound in SENTINELS]
        often = [bound for bound in odd if profile.counts.get(f"{bound:.0f}", 0) > 1]
        return entry, [f"{bound:.0f} may stand for missing" for bound in often]
    if profile.kind == "empty":
        return Column(type="text", nullable=True), []
    return Column(type=profile.kind, nullable=nullable), []


def _text(profile: Profile, nullable: bool) -> Guess:
    length = sum(len(t) * n for t, n in profile.counts.items()) / max(
        sum(profile.counts.values()), 1
    )
    if profile.distinct > CLOSED and length > LONG:
        return Column(type="text", role="ignored", nullable=nullable), [
            f"free text, {length:.0f} characters on average: the model families here cannot use it"
        ]
    if profile.distinct > CLOSED and profile.distinct > profile.known / 2:
        return Column(type="text", role="ignored", nullable=nullable), [
            f"{profile.distinct} different texts in {profile.known} rows: nearly unique, so it "
            "cannot be learnt from"
        ]
    once = sum(count == 1 for count in profile.counts.values())
    if profile.distinct <= CLOSED and not once:
        return Column(type="category", nullable=nullable, values=tuple(sorted(profile.counts))), []
    kept = dict(list(profile.counts.items())[:CATEGORIES])
    if profile.distinct > CLOSED:
        kept = {text: n for text, n in kept.items() if n >= FEW_ROWS} or kept
    rows = sum(kept.values())
    if rows < LEARNT * profile.known:
        return Column(type="text", role="ignored", nullable=nullable), [
            f"{profile.distinct} different values, of which the {len(kept)} most frequent stand in "
            f"{rows} of {profile.known} rows: too many to learn one by one, so kept from the model;"
            " what is known of each can be a column instead (src/app/data.py)"
        ]
    entry = Column(type="category", nullable=True, values=tuple(sorted(kept)), unknown="missing")
    if len(kept) == profile.distinct:
        why = "some values are rare" if once else f"{profile.distinct} values, all kept"
        return entry, [f"{why}; others may come, and are treated as missing"]
    share = int(100 * rows / profile.known)  # 99.9 is not all of them
    return entry, [
        f"{profile.distinct} values: the {len(kept)} most frequent ({share}% of the rows) are kept,"
        " others are treated as missing"
    ]


def bounds(profile: Profile) -> tuple[float, float]:
    """The range a number may have: wider than what was seen, but not beyond the ends of a code.

    Whole numbers that fill their range and do not thin out towards an end, such as a class from 1
    to 3 or an hour from 0 to 23, are taken for codes: a count would thin out. A year goes on.
    """
    low, high = widen(profile.low, profile.high, whole=profile.kind == "integer")
    first, last = ends(profile)
    return profile.low if first else low, profile.high if last else high


def ends(profile: Profile) -> tuple[bool, bool]:
    """Whether the lowest and the highest whole number seen end a code."""
    fills = profile.high - profile.low + 1 == profile.distinct
    goes_on = bool(LISTS["year"] & set(words(profile.name)))
    if profile.kind != "integer" or profile.distinct > MOST_CODES or not fills or goes_on:
        return False, False
    usual = profile.known / profile.distinct
    often = max(FEW_ROWS, usual / 2)
    first, last = (profile.counts.get(to_text(end), 0) for end in (profile.low, profile.high))
    return first >= often, last >= often


def widen(low: float, high: float, *, whole: bool) -> tuple[float, float]:
    """A range a tenth wider than what was seen, with round ends; it does not cross zero."""
    if not whole and low >= 0 and 0.5 < high <= 1:
        return 0.0, 1.0
    span = (high - low) or abs(high) or 1.0
    step = 10.0 ** (math.floor(math.log10(span)) - 1)
    step = max(step, 1.0) if whole else step
    wider_low = math.floor((low - WIDER * span) / step) * step
    wider_high = math.ceil((high + WIDER * span) / step) * step
    if low >= 0 > wider_low:
        wider_low = 0.0
    if high <= 0 < wider_high:
        wider_high = 0.0
    digits = max(0, -math.floor(math.log10(step)))
    return round(wider_low, digits), round(wider_high, digits)
