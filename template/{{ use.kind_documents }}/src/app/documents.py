"""Where documents come from: the folder that `corpus.folder` in `contract.toml` names.

Another place (a wiki, a ticket system, a bucket) is a few lines here: yield a Source for each
document. A file beside it called NAME.url holds the address where people can open it.
"""

from collections.abc import Iterator
from pathlib import Path

from engine.contract.app import Source
from engine.contract.schema import Contract


def load(contract: Contract) -> Iterator[Source]:
    """Every file of the folder, below it too, whose format the contract takes."""
    folder = Path(contract.corpus.folder)
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if not path.is_file() or not contract.takes(name):
            continue
        place = path.with_name(f"{path.name}.url")
        url = place.read_text(encoding="utf-8").strip() if place.is_file() else ""
        yield Source(name, path, url=url)
