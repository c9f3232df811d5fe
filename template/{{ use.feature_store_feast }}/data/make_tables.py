"""Move what the contract looks up out of the sample and into feature tables.

A table gets a row whenever a value changes: what was known a little before each row of the sample,
and, where an entity has one row only, what became known a week later. A join that looks into the
future would find that.
"""

import sys
import tomllib
from pathlib import Path

import pandas as pd

HERE = Path(__file__).parent
BEFORE, AFTER = pd.Timedelta(minutes=1), pd.Timedelta(days=7)


def table_of(
    rows: pd.DataFrame, key: str, moment: str, since: str, names: list[str]
) -> pd.DataFrame:
    """The history of some columns by key, oldest first; one row for each moment of a key."""
    moments = pd.to_datetime(rows[moment])
    known = rows[[key, *names]].assign(**{since: moments - BEFORE})
    if rows[key].is_unique:
        later = rows[names].shift(1, fill_value="")
        later = later.assign(**{key: rows[key], since: moments + AFTER})
        known = pd.concat([known, later])
    return known.drop_duplicates([key, since]).sort_values([since, key], ignore_index=True)


def main(sample: Path) -> None:
    """Split the sample, and write each table where the contract expects it, beside the sample."""
    contract = tomllib.loads(HERE.with_name("contract.toml").read_text(encoding="utf-8"))
    rows = pd.read_csv(sample, dtype=str, keep_default_na=False)
    for name, table in contract.get("tables", {}).items():
        held = [n for n, c in contract["columns"].items() if c.get("table") == name]
        if not set(held) <= set(rows.columns):
            continue  # it was moved before
        moment = contract["dataset"]["timestamp"]
        found = table_of(rows, table["entity"], moment, table["timestamp"], held)
        found.to_parquet(sample.with_name(Path(table["source"]).name), index=False)
        rows = rows.drop(columns=held)
    rows.to_csv(sample, index=False, lineterminator="\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else HERE / "sample.csv")
