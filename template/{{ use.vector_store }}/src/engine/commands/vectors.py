"""The verb `vectors`: which collections the vector store holds of this project, and whose they are.

Nothing is deleted unless somebody says so, and nothing of another project is ever touched.
"""

import argparse
from collections.abc import Iterator

from engine.core.errors import BundleError, SettingsError
from engine.core.settings import Settings, load_settings
from engine.core.storage import Storage
from engine.registry.registry import Registry
from engine.retrieval.dense import VECTORS
from engine.retrieval.index import Index
from engine.retrieval.stored import DIGITS, connected, prefix


def main(argv: list[str]) -> int:
    """List this project's collections, fill the one of a version, or drop what no version needs."""
    parser = argparse.ArgumentParser(prog="run.py vectors", description=main.__doc__)
    parts = parser.add_subparsers(dest="part", required=True)
    parts.add_parser("list", help="each collection, and the versions whose vectors it holds")
    filling = parts.add_parser("fill", help="put a version's vectors into the store")
    filling.add_argument("--version", type=int, help="default: the champion")
    parts.add_parser("prune", help="drop the collections that no registered version needs")
    options = parser.parse_args(argv[1:])
    config = load_settings()
    if not config.vector_url:
        raise SettingsError("vector_url in settings.toml is empty: there is no vector store to ask")
    if options.part == "fill":
        _fill(config, options.version)
        return 0
    used, there = _used(config), connected(config)
    own = prefix(config)
    found = [name for name in there.names() if name.startswith(own)]
    for name in found:
        versions = used.get(name.removeprefix(own), [])
        said = f"version {', '.join(map(str, versions))}" if versions else "of no version"
        if options.part == "prune" and not versions:
            there.drop(name)
            said += ", dropped"
        print(f"{name}  {said}")
    if not found:
        print("the vector store holds no collection of this project")
    return 0


def _fill(config: Settings, number: int | None) -> None:
    version, bundle = Registry(Storage(config.store)).load(number)
    index = Index(bundle.files, bundle.contract.retrieval, config)
    if index.nearest is None:
        print(f"version {version} has no vectors: it is searched by words")
        return
    index.nearest.fill()
    print(f"the vectors of version {version} are in the store")


def _used(config: Settings) -> dict[str, list[int]]:
    """The versions by the digest of their vectors.

    Raises BundleError for a damaged version: nobody can tell which collection it needs.
    """
    found: dict[str, list[int]] = {}
    for version, digest in _digests(Registry(Storage(config.store))):
        found.setdefault(digest, []).append(version)
    return found


def _digests(registry: Registry) -> Iterator[tuple[int, str]]:
    for version in sorted(registry.state().versions):
        try:
            _, bundle = registry.load(version)
        except BundleError as error:
            raise BundleError(f"{error}; until then no collection can be told to be free") from None
        if VECTORS in bundle.manifest.files:
            yield version, bundle.manifest.files[VECTORS][:DIGITS]
