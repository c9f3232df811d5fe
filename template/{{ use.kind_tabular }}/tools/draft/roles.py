"""From what a column holds to its entry in the contract, with the reason for every guess."""

import math

from msgspec.structs import replace

from engine.contract.schema import Column
from tools.draft.dialect import SENTINELS
from tools.draft.pii import is_key, personal, sensitive
from tools.draft.profile import Profile

CATEGORIES = 100  # values of one category; the rarer ones are treated as missing
FEW_ROWS = 10  # a value seen less often teaches a model nothing
CLOSED = 20  # up to so many values a list is taken to be complete
WIDER = 0.1  # how far beyond what was seen a number may lie, as a share of the range
LONG = 60  # characters on average from which a text is prose

Guess = tuple[Column, list[str]]


def column(profile: Profile) -> Guess:
    """The entry of a column that is neither target nor timestamp, and what to say about it."""
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
    if sensitive(profile) and entry.role == "feature":
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
        low, high = widen(profile.low, profile.high, whole=profile.kind == "integer")
        entry = Column(type=profile.kind, nullable=nullable, min=low, max=high)
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
    entry = Column(type="category", nullable=True, values=tuple(sorted(kept)), unknown="missing")
    if len(kept) == profile.distinct:
        return entry, ["some values are rare, so others may come: they are treated as missing"]
    share = sum(kept.values()) / profile.known
    return entry, [
        f"{profile.distinct} values: the {len(kept)} most frequent ({share:.0%} of the rows) are "
        "kept, others are treated as missing"
    ]


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
