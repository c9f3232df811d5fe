"""Where rows come from: the files or the query that the contract names, unless you say otherwise.

For another source, such as an API or a join of two files, return its rows as an Arrow table: a
column for each that `contract.toml` names, raw; the contract types and checks them.
"""

import pyarrow as pa

from engine.contract.schema import Contract
from engine.data.source import read_source


def load(contract: Contract) -> pa.Table:
    """The rows of `dataset.source`."""
    return read_source(contract.dataset)
