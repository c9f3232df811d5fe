"""The sample data: made here by a seeded script, as long as the contract asks for them."""

import subprocess
import sys
from pathlib import Path

from .contract import Contract
from .errors import DataError

SCRIPT = Path("data/make_sample.py")


def ensure(contract: Contract) -> None:
    """Make the sample data when the contract asks for them and they are not there yet."""
    source = contract.dataset.source
    if "://" in source or Path(source).exists():
        return
    if not is_asked_for(contract):
        raise DataError(f"{source} does not exist; dataset.source in contract.toml names it")
    print(f"making the sample data: python {SCRIPT}")
    subprocess.run([sys.executable, str(SCRIPT)], check=True)
    if not Path(source).exists():
        raise DataError(
            f"{source} does not exist and {SCRIPT} does not make it; "
            "correct dataset.source in contract.toml"
        )


def is_asked_for(contract: Contract) -> bool:
    """Whether the contract is about the sample: its source is not the user's own file."""
    return SCRIPT.exists() and contract.dataset.source.startswith(
        f"{SCRIPT.parent.as_posix()}/sample."
    )
