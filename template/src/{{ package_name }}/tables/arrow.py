"""Small tools on Arrow columns: their distinct values, and back to all rows."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa


def each(raw: Any, function: Callable[[Any], Any], dtype: Any) -> pd.Series:
    """Apply a function to every distinct value once."""
    codes = encoded(raw)
    unique = np.empty(len(codes.dictionary), dtype=object)
    unique[:] = [function(value) for value in codes.dictionary.to_pylist()]
    if dtype is np.float64 and not any(isinstance(value, str) for value in unique):
        return spread(codes, unique.astype(np.float64), np.nan)
    return spread(codes, unique, None)


def encoded(raw: Any) -> Any:
    """The column as positions in a list of its distinct values."""
    whole = raw.combine_chunks() if isinstance(raw, pa.ChunkedArray) else raw
    return whole.dictionary_encode()


def spread(codes: Any, unique: Any, missing: Any) -> pd.Series:
    """Distinct values back to all rows."""
    table = np.append(unique, np.array([missing], dtype=unique.dtype))
    index = codes.indices.fill_null(len(unique)).to_numpy(zero_copy_only=False)
    return pd.Series(table[index], dtype=table.dtype)


def is_text(kind: Any) -> bool:
    return bool(
        pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind)
    )
