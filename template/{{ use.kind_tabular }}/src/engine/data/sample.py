"""The sample data: made here by a seeded script, as long as the contract asks for them."""

import subprocess
import sys
from glob import has_magic
from pathlib import Path

from engine.contract.schema import Contract
from engine.core.errors import DataError

SCRIPT = Path("data/make_sample.py")
SCRIPTS = (SCRIPT, Path("data/make_tables.py"))  # the second where the sample has feature tables


def ensure(contract: Contract) -> None:
    """Make the sample data when the contract asks for them and they are not there yet."""
    data = contract.dataset
    named = () if data.query else data.sources
    tables = [table.source for table in contract.tables.values()]
    local = [s for s in (*named, *tables) if "://" not in s and not has_magic(s)]
    if not (absent := [s for s in local if not Path(s).exists()]):
        return
    if not is_asked_for(contract):
        raise DataError(
            f"{absent[0]} does not exist; a source in contract.toml names it. Git leaves tables "
            "at the top and under data/ out: git add --force commits one; a store or a database "
            "is a source too"
        )
    for script in SCRIPTS:
        if script.exists():
            print(f"making the sample data: python {script}")
            subprocess.run([sys.executable, str(script)], check=True)
    if not all(Path(name).exists() for name in absent):
        raise DataError(
            f"{absent[0]} does not exist and {SCRIPT} does not make it; "
            "correct the source in contract.toml"
        )


def is_asked_for(contract: Contract) -> bool:
    """Whether the contract is about the sample: its source is not the user's own file."""
    [source, *more] = contract.dataset.sources
    return SCRIPT.exists() and not more and source.startswith(f"{SCRIPT.parent.as_posix()}/sample.")
