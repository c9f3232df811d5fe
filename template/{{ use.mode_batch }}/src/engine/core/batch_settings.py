"""What every way to score in batches can be set to."""

import msgspec


class BatchSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The settings of a batch."""

    input: str = ""
    """What is scored when no file is named: a path, a URL or a pattern such as inbox/*.parquet;
    empty: the data that the contract names."""
    output: str = "predictions"
    """Where a folder for each input is made: a local path, or the URL of an object store."""
    part_rows: int = 131_072
    """Rows that are scored and written at a time; what is lost when a process is killed."""
    small_rows: int = 50_000
    """So few rows are scored at once in the process itself, which an engine would only delay."""
    explain: int = 0
    """How many features are named that moved a prediction most; each row is then scored once more
    for every feature. 0: none."""
    log_rows: int = 10_000
    """Rows of each input that are logged for monitoring, evenly spread; 0 turns it off."""
