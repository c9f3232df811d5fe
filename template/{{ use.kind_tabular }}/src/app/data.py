"""Where rows come from: the file or URL that the contract names, unless you say otherwise.

For another source, such as a query or a join of two files, return its rows as an Arrow table: a
column for each that `contract.toml` names, raw; the contract types and checks them.
"""

import pyarrow as pa

from engine.contract.schema import Contract
from engine.data.read import read_file


def load(contract: Contract) -> pa.Table:
    """The rows of `dataset.source`, CSV or Parquet."""
    return read_file(contract.dataset.source, contract.dataset.separator)
