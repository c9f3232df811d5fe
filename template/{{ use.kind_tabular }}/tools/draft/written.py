"""How a table writes numbers: the decimal mark, the mark between thousands, units beside them."""

import re
import unicodedata
from typing import Any, Literal, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc
from msgspec.structs import replace

from engine.contract.schema import Dataset
from engine.data.types import SPACE
from tools.draft.pii import LISTS
from tools.draft.types import LOOKED_AT

MOSTLY = 0.9
NUMBER = re.compile(
    r"^[+-]?(?P<before>[^\d\s.,'+-]{1,4})?\s*"
    rf"(?P<number>[+-]?\d(?:[\d.,']|{SPACE}(?=\d))*)\s*(?P<after>[^\d\s.,'+-]{{1,4}})?$"
)


class Style(NamedTuple):
    """A decimal mark and what stands between groups of three digits."""

    decimal: Literal[".", ","]
    thousands: Literal["", ",", ".", " ", "'"]

    def fits(self, text: str) -> bool:
        """Whether a number could be written this way."""
        mark = SPACE if self.thousands == " " else re.escape(self.thousands)
        grouped = rf"|[1-9]\d{{0,2}}({mark}\d{{3}})+" if mark else ""
        pattern = rf"[+-]?(\d+{grouped})({re.escape(self.decimal)}\d+)?"
        return re.fullmatch(pattern, text) is not None

    def groups(self, text: str) -> bool:
        """Whether a number has thousands set apart this way, and nothing else."""
        mark = re.escape(self.thousands)
        return (
            bool(mark) and re.fullmatch(rf"[+-]?[1-9]\d{{0,2}}({mark}\d{{3}})+", text) is not None
        )

    def is_seen(self, texts: list[str]) -> bool:
        """Whether the marks are there, and not only as codes have them, such as 555 123 456."""
        if not self.thousands:
            return any(self.decimal in text for text in texts)
        mark = re.compile(SPACE if self.thousands == " " else re.escape(self.thousands))
        groups = {len(mark.findall(text)) for text in texts}
        with_rest = any(self.decimal in text for text in texts)
        return groups != {0} and (self.thousands == "," or len(groups) > 1 or with_rest)


# The first of them that fits most columns: 1,234 alone is taken for a thousand.
STYLES = (
    Style(".", ","),
    Style(",", ""),
    Style(",", "."),
    Style(".", " "),
    Style(",", " "),
    Style(".", "'"),
)


def numbers_of(columns: dict[str, Any], data: Dataset) -> tuple[Dataset, dict[str, str], list[str]]:
    """The dataset with its marks, the unit that each column writes, and what was guessed.

    `columns` holds texts without what stands for a missing value.
    """
    units: dict[str, str] = {}
    written: dict[str, list[str]] = {}
    fractions: list[list[str]] = []
    for name, values in columns.items():
        texts = _first(values)
        if is_plain(texts):
            fractions.append(texts)
            continue
        found = [NUMBER.match(text) for text in texts]
        hits = [match for match in found if match]
        if not hits or len(hits) < MOSTLY * len(found):
            continue
        written[name] = [match["number"] for match in hits]
        beside = [match["before"] or match["after"] or "" for match in hits]
        unit = max(set(beside), key=lambda text: (beside.count(text), text))
        if is_unit(unit) and beside.count(unit) >= MOSTLY * len(found):
            units[name] = unit
    style, notes = _style(written, fractions)
    notes += [
        f"{name!r} is written with {unit!r}, such as {_example(columns[name])!r}: read as a number"
        + (", and requests send the number alone" if name != data.target else "")
        for name, unit in units.items()
    ]
    return _with(data, style), units, notes


def is_unit(text: str) -> bool:
    """Whether a text beside a number is a currency or says percent."""
    is_sign = len(text) == 1 and unicodedata.category(text) == "Sc"
    return is_sign or text.casefold() in LISTS["unit"]


def _with(data: Dataset, style: Style | None) -> Dataset:
    return replace(data, decimal=style.decimal, thousands=style.thousands) if style else data


def is_plain(texts: list[str]) -> bool:
    """Whether all of them are numbers as Python writes them."""
    try:
        pa.array(texts, pa.string()).cast(pa.float64())
    except pa.ArrowInvalid:
        return False
    return True


def _style(columns: dict[str, list[str]], plain: list[list[str]]) -> tuple[Style | None, list[str]]:
    """The style that fits most columns, and under which no plain number is another one."""
    marked = {name: texts for name, texts in columns.items() if not is_plain(texts)}
    if not marked:
        return None, []
    fractions = [*plain, *(texts for name, texts in columns.items() if name not in marked)]

    def suits(style: Style, texts: list[str]) -> bool:
        return all(style.fits(text) for text in texts)

    candidates = [
        style
        for style in STYLES
        if any(suits(style, texts) and style.is_seen(texts) for texts in marked.values())
        and not any(style.groups(text) for texts in fractions for text in texts)
    ]
    if not candidates:
        return None, []
    best = max(candidates, key=lambda one: sum(suits(one, texts) for texts in marked.values()))
    notes = []
    if best.decimal != ".":
        notes.append('numbers are written with a decimal comma: dataset.decimal = ","')
    if best.thousands:
        example = next(
            text
            for texts in marked.values()
            if suits(best, texts)
            for text in texts
            if re.search(
                r"\d" + (SPACE if best.thousands == " " else re.escape(best.thousands)), text
            )
        )
        sure = any(best.decimal in text for texts in marked.values() for text in texts)
        doubt = "" if sure or best.thousands != "," else " (if it is a decimal comma: please check)"
        notes.append(
            f"numbers are written with {best.thousands!r} between thousands, such as {example!r}: "
            f'dataset.thousands = "{best.thousands}"{doubt}'
        )
    return best, notes


def _first(values: Any) -> list[str]:
    found: list[str] = pc.unique(values.drop_null()[:LOOKED_AT]).to_pylist()
    return found


def _example(values: Any) -> str:
    return next(text for text in _first(values) if NUMBER.match(text))[:40]
