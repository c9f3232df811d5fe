"""What a draft says of the whole table, in sentences."""

from engine.contract.schema import Contract
from tools.draft.profile import Profile
from tools.draft.roles import ends, widen

MOST_NAMED = 6  # columns in one sentence


def missing(profiles: dict[str, Profile]) -> list[str]:
    """What is taken for missing, as it is written, with the columns and the number of rows."""
    places: dict[str, dict[str, int]] = {}
    for name, seen in profiles.items():
        for text, rows in seen.blanks.items():
            marker = repr(text) if text.strip() else "blanks" if text else "nothing"
            place = places.setdefault(marker, {})
            place[name] = place.get(name, 0) + rows
    if not places:
        return []
    words = [f"{marker} in {_named(columns)}" for marker, columns in sorted(places.items())]
    return [f"taken for missing, with the number of rows: {'; '.join(words)}"]


def ranges(profiles: dict[str, Profile], contract: Contract) -> list[str]:
    """How far numbers may lie beyond what was seen."""
    numbers = [n for n, c in contract.features.items() if c.type in ("number", "integer")]
    numbers = [name for name in numbers if name != contract.dataset.timestamp]
    codes = {name: profiles[name] for name in numbers if _narrowed(profiles[name])}
    found = []
    if len(codes) < len(numbers):
        found.append("numbers may lie a tenth of their range beyond what was seen")
    if codes:
        listed = [f"{name!r} ({_narrowed(seen)})" for name, seen in [*codes.items()][:MOST_NAMED]]
        found.append(
            f"whole numbers that look like codes may not go beyond: {', '.join(listed)}"
            f"{_more(len(codes))}; a count may, so widen min and max where it is one"
        )
    return found


def split(contract: Contract) -> str:
    """How rows are set apart for training and test."""
    data, method = contract.dataset, contract.split.method
    if method == "random":
        return "rows are split at random"
    if method == "group":
        return f"rows are split by entity, {data.entity!r}: all rows of one are in the same part"
    named = " and ".join(map(repr, (data.timestamp, *contract.split.then_by)))
    said = f"rows are split by time, {named}: oldest rows train, newest rows test"
    if data.entity:
        said += (
            '; an entity may stand in both, and to ask about new ones only: split.method = "group"'
        )
    column = contract.columns.get(data.timestamp or "")
    if column and column.type == "integer" and column.role == "feature":
        said += (
            "; a model of trees answers for later ones as for the latest it saw, and to ask about "
            'those in between: split.method = "random"'
        )
    return said


def _narrowed(seen: Profile) -> str:
    """The ends of a code beyond which another number might lie; empty when there are none."""
    first, last = ends(seen)
    low, _ = widen(seen.low, seen.high, whole=True)
    if first and last:
        return f"{seen.low:g} to {seen.high:g}"
    if first and low < seen.low:
        return f"from {seen.low:g}"
    return f"to {seen.high:g}" if last else ""


def _named(columns: dict[str, int]) -> str:
    often = sorted(columns.items(), key=lambda item: -item[1])
    named = ", ".join(f"{name!r} ({rows})" for name, rows in often[:MOST_NAMED])
    return f"{named}{_more(len(often))}"


def _more(count: int) -> str:
    return f" and {count - MOST_NAMED} more" if count > MOST_NAMED else ""
