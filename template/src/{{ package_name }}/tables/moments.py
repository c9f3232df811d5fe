"""Times as files hold them: ISO 8601, or day and month in the order that the contract says."""

import re
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from .arrow import each, encoded, is_text, spread

SLASHED = re.compile(
    r"^(\d{1,2})[-/.](\d{1,2})[-/.](\d{4}|\d{2})"
    r"(?:[ T,]+(\d{1,2}):(\d{2})(?::(\d{2}))? ?([AaPp]\.?[Mm]\.?)?)?$"
)


def moments(raw: Any, dates: str) -> pd.Series:
    """One raw column as datetime64[us] in UTC without a zone; a time without one is taken for UTC.

    With a value that is no time it is a column of objects that holds the value as it was.
    """
    if pa.types.is_timestamp(raw.type) or pa.types.is_date(raw.type):
        return pd.Series(
            raw.cast(pa.timestamp("us"), safe=False).to_numpy(), dtype="datetime64[us]"
        )
    if not is_text(raw.type):
        return each(raw, lambda value: value, object)
    texts = encoded(raw)
    unique = pd.Series(texts.dictionary.to_pylist(), dtype=object)
    written = (
        unique if dates == "iso" else unique.map(lambda text: _iso(text, dates == "day_first"))
    )
    parsed = pd.to_datetime(written, utc=True, errors="coerce", format="ISO8601").dt.tz_localize(
        None
    )
    if parsed.isna().any():
        pairs = zip(parsed, unique, strict=True)
        found = [text if pd.isna(moment) else moment.to_pydatetime() for moment, text in pairs]
        return spread(texts, np.array(found, dtype=object), None)
    return spread(texts, parsed.to_numpy(dtype="datetime64[us]"), np.datetime64("NaT"))


def _iso(text: str, day_first: bool) -> str:
    """A date such as 31.1.2026 or 1/31/26 3:05 PM the ISO way; any other text as it is."""
    found = SLASHED.match(text)
    if not found:
        return text
    one, two, year, hour, minute, second, half = found.groups()
    day, month = (one, two) if day_first else (two, one)
    if len(year) == 2:  # as POSIX reads them: 69 is 1969, 68 is 2068
        year = f"{'19' if int(year) >= 69 else '20'}{year}"
    clock = int(hour or 0)
    if half:
        clock = clock % 12 + (12 if half[0] in "Pp" else 0)
    date = f"{year}-{int(month):02d}-{int(day):02d}"
    return f"{date}T{clock:02d}:{minute or '00'}:{second or '00'}"
