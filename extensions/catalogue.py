"""The questions of copier.yml and the options of catalogue/, read as copier reads them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parent.parent
Record = dict[str, Any]


def conversation(root: Path = ROOT) -> Record:
    """All documents of copier.yml as one mapping; an included file arrives in a list."""

    class Loader(yaml.SafeLoader):
        """Knows the tag of copier."""

    def include(_: Loader, node: yaml.ScalarNode) -> list[Any]:
        return [yaml.safe_load((root / node.value).read_text("utf-8"))]

    Loader.add_constructor("!include", include)
    merged: Record = {}
    for document in yaml.load_all((root / "copier.yml").read_text("utf-8"), Loader=Loader):
        merged |= document
    return merged


def questions(root: Path = ROOT) -> Record:
    """The questions in the order of copier.yml, those that are computed among them."""
    return {name: it for name, it in conversation(root).items() if not name.startswith("_")}


def catalogue(root: Path = ROOT) -> Record:
    """`base`, then every seam with its `options`."""
    files: dict[str, list[Record]] = questions(root)["files"]["default"]
    return {name: file[0] for name, file in files.items()}


def seams(found: Mapping[str, Record]) -> dict[str, dict[str, Record]]:
    """The options by seam."""
    return {name: record["options"] for name, record in found.items() if "options" in record}


def owners(found: Mapping[str, Record]) -> Iterator[tuple[str, Record]]:
    """Each record under the name of its switch in `use`: base, tracking, tracking_mlflow.

    What a record brings only with an answer to another seam has the names of both switches:
    feature_store_tables+mode_batch.
    """
    for name, record in found.items():
        named = {name: record}
        named |= {f"{name}_{option}": own for option, own in record.get("options", {}).items()}
        for owner, own in named.items():
            yield owner, own
            for seam, answers in own.get("with", {}).items():
                for answer, more in answers.items():
                    yield f"{owner}+{seam}_{answer}", more
