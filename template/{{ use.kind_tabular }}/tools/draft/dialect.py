"""How a file writes things: encoding, separator, order of dates, markers for missing values."""

import codecs
import csv
import io
import re
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from msgspec.structs import replace

from engine.contract.schema import Dataset
from engine.core.errors import DataError
from engine.data.read import is_parquet
from engine.data.types import SLASHED, is_text
from tools.draft.types import LOOKED_AT, clean, seen, stray
from tools.draft.written import MOSTLY, numbers_of

SEPARATORS = (",", ";", "\t", "|")
# Taken for missing wherever they stand: nobody means them as a value.
CERTAIN = ("#n/a", "#n/a n/a", "#na", "<na>", "\\n", "nil", "nat")
MOST_STRAY = 3
SENTINELS = (-9, -99, -999, -9999, -99999, 999, 9999, 99999)
MARKS = {  # the longer first: that of UTF-32 begins with that of UTF-16
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
BLOCK = 1 << 24
MOST_DATES = 100_000  # by which the order of day and month is judged


def encoding(content: bytes, source: str) -> tuple[str, str]:
    """The encoding of a file, and a note when it was guessed.

    Raises DataError when it is no text.
    """
    start = content[:BLOCK]
    zeros = [start[place::2].count(0) > len(start) / 8 for place in (0, 1)]
    bare = {(False, True): "utf-16-le", (True, False): "utf-16-be"}.get((zeros[0], zeros[1]), "")
    if is_parquet(content) or (not bare and _is_encoded(content, "utf-8")):
        return "utf-8", ""
    marked = next((name for mark, name in MARKS.items() if content.startswith(mark)), bare)
    if name := marked:
        if _is_encoded(content, name):
            return name, f'the file is written in {name.upper()}: dataset.encoding = "{name}"'
        raise DataError(
            f"{source} begins as {name.upper()} and does not go on so; save it as UTF-8"
        )
    name = "cp1252" if _is_encoded(content, "cp1252") else "latin-1"
    word = re.search(rb"[\w\x80-\xff]{0,20}[\x80-\xff][\w\x80-\xff]{0,20}", content)
    example = word[0].decode(name) if word else ""
    return name, (
        f'the file is not UTF-8 and is read as {name}: dataset.encoding = "{name}"; it is another '
        f"one if this is no word: {example!r}"
    )


def _is_encoded(content: bytes, name: str) -> bool:
    """Whether the whole content can be read this way, looked at block by block."""
    decoder = codecs.getincrementaldecoder(name)()
    try:
        for start in range(0, len(content), BLOCK):
            decoder.decode(content[start : start + BLOCK])
        decoder.decode(b"", final=True)
    except UnicodeError:
        return False
    return True


def separator(content: bytes, target: str, written: str = "utf-8") -> str:
    """The separator under which the header has the target and rows are as long as the header."""
    if is_parquet(content):
        return SEPARATORS[0]
    text = content[: 1 << 18].decode(written, errors="replace").removeprefix("\ufeff")

    def fit(mark: str) -> tuple[bool, float, int]:
        try:
            rows = list(csv.reader(io.StringIO(text, newline=""), delimiter=mark))[:200] or [[]]
        except csv.Error:
            return False, 0.0, 0
        even = sum(len(row) == len(rows[0]) for row in rows) / len(rows)
        return target in rows[0], even, len(rows[0])

    return max(SEPARATORS, key=fit)


def dialect(
    table: pa.Table, data: Dataset, target: str
) -> tuple[Dataset, dict[str, str], list[str]]:
    """The dataset with its marks, date order and missing markers; units; and what was guessed."""
    texts = {name: table.column(name) for name in table.column_names}
    texts = {name: raw for name, raw in texts.items() if is_text(_plain(raw).type)}
    marker_set = pa.array(CERTAIN, pa.string())
    present: set[str] = set()
    for raw in texts.values():
        folded = pc.utf8_lower(pc.utf8_trim_whitespace(_plain(raw).cast(pa.string())))
        present.update(pc.unique(folded.filter(pc.is_in(folded, value_set=marker_set))).to_pylist())
    data = replace(data, missing=(*data.missing, *sorted(present - set(data.missing))))
    cleaned = {name: clean(raw, data) for name, raw in texts.items()}
    data, units, notes = numbers_of(cleaned, data)
    dates, note = _dates(cleaned)
    if note:
        data = replace(data, dates=dates)
        notes.append(note)
    strange = {}
    for name, values in cleaned.items():
        if name != target and (tokens := _stray(values, data, units.get(name, ""))):
            strange[name] = tokens
    others = {
        text
        for name, values in cleaned.items()
        if strange and name not in strange and seen(values, data, units.get(name, "")) == "text"
        for text in _folded(values)
    }
    for name, tokens in strange.items():
        if new := [token for token in tokens if token not in others and token not in data.missing]:
            data = replace(data, missing=(*data.missing, *new))
            words = ", ".join(map(repr, new))
            notes.append(f"{name!r} holds numbers but for {words}, which is taken for missing")
    return data, units, notes


def _plain(raw: Any) -> Any:
    return raw.cast(raw.type.value_type) if pa.types.is_dictionary(raw.type) else raw


def _folded(values: Any) -> list[str]:
    unique = pc.unique(pc.utf8_lower(values.drop_null())).to_pylist()
    return [text for text in unique if len(text) < 40]


def _stray(values: Any, data: Dataset, unit: str) -> list[str]:
    """Up to three texts in a column that is otherwise numeric."""
    if len(pc.unique(values.drop_null()[:LOOKED_AT])) < 10:
        return []
    if stray(values.drop_null()[:LOOKED_AT], data, unit, most=LOOKED_AT // 10) is None:
        return []
    unique = pc.unique(values.drop_null())
    tokens = stray(unique, data, unit, most=max(MOST_STRAY, int(len(unique) * (1 - MOSTLY))))
    few = tokens and len(tokens) <= MOST_STRAY and not any(c.isdigit() for t in tokens for c in t)
    return tokens if few and tokens else []


def _dates(columns: dict[str, Any]) -> tuple[Any, str]:
    """The order of day and month in dates such as 3/4/2026, decided by a number above 12."""
    first, second, marks = 0, 0, ""
    for values in columns.values():
        known = values.drop_null()
        if not pc.any(
            pc.match_substring_regex(known[:LOOKED_AT], "^[0-9]+[-/.][0-9]+[-/.]")
        ).as_py():
            continue
        found = [SLASHED.match(text) for text in pc.unique(known)[:MOST_DATES].to_pylist()]
        hits = [match for match in found if match]
        if len(hits) > MOSTLY * len(found) and hits:
            first = max(first, *(int(match[1]) for match in hits))
            second = max(second, *(int(match[2]) for match in hits))
            marks += hits[0][0]
    if not marks:
        return "iso", ""
    order = "day_first" if first > 12 or (second <= 12 and "." in marks) else "month_first"
    sure = "" if max(first, second) > 12 else " (no date settles it: please check)"
    return order, f'dates are read as {order.replace("_", " ")}: dataset.dates = "{order}"{sure}'
