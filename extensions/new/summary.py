"""What was chosen and why, before anything is made."""

from __future__ import annotations

from collections.abc import Iterator

from extensions.new.questions import Asked, Walk


def described(found: Walk) -> Iterator[tuple[str, str]]:
    """Lines of the summary, each with the indentation of its further lines."""
    needs, paperwork = found.needs(), found.paperwork()
    for asked in needs:
        yield f"{asked.text} {asked.label()}", " " * 3
    yield "So you get:", " "
    for line in tools(found):
        yield f"  {line}", " " * 5
    own = [asked for asked in found.asked if asked.name in paperwork and asked.answer is not False]
    said = (a.name.replace("_", " ") if a.answer is True else a.label() for a in own)
    yield f"Paperwork: {'; '.join(said)}", " " * 3
    for flag in found.found.get("warnings", []):
        yield f"WARNING: {flag['title']}. {flag['way_out']}", " " * 3
    if found.refused:
        yield f"It cannot be made like this. {found.refused}", " " * 3


def tools(found: Walk) -> Iterator[str]:
    """One line for each tool: when to choose it, its price, and who chose it."""
    asked = {each.name: each for each in found.asked}
    catalogue, recommended = found.found["catalogue"], found.found["recommended"]
    for seam, option in found.found.get("chosen", {}).items():
        if not option or seam not in recommended:
            continue
        if seam in asked:
            yield asked[seam].line() + own_choice(asked[seam], recommended[seam], catalogue[seam])
        else:
            record = catalogue[seam]["options"][option]
            price = f"; {record['price']}" if "price" in record else ""
            yield f"{record['label']} - {record['when']}{price} (nothing else fits)"


def own_choice(asked: Asked, recommended: str, seam: dict[str, dict[str, dict[str, str]]]) -> str:
    """What would have been recommended, where something else was chosen."""
    if asked.answer == recommended:
        return ""
    return f" (your choice; recommended: {seam['options'][recommended]['label']})"
