"""The arrows between modules run one way, and no module lies about unused."""

import ast
from pathlib import Path

import pytest

from .conftest import contract

PACKAGE = Path(contract.__file__).parent
MODULES = {
    ".".join(path.relative_to(PACKAGE).with_suffix("").parts): path
    for path in sorted(PACKAGE.rglob("*.py"))
    if not path.stem.startswith("__")
}
LAYERS = ["errors", "contract", "features", "pipeline", "judge", "train"]
FOR_SERVERS = {"examples", "lookup"}  # not every way to serve has use for them
SERVING_MAY_NOT = {"pipeline", "convert", "train", "judge", "data", "model"}


def imports(path: Path, *, anywhere: bool = False) -> set[str]:
    """Modules of this package that a module imports when it is loaded, or at any time."""
    found: set[str] = set()
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for node in ast.walk(tree) if anywhere else tree.body:
        if isinstance(node, ast.ImportFrom) and node.level:
            here = path.relative_to(PACKAGE).parts[: -node.level]
            base = [*here, *(node.module or "").split(".")] if node.module else [*here]
            found |= {".".join(base), *(".".join([*base, alias.name]) for alias in node.names)}
    return found & MODULES.keys()


def reached(name: str, seen: set[str] | None = None) -> set[str]:
    """Everything that loading a module loads of this package."""
    seen = set() if seen is None else seen
    for other in imports(MODULES[name]) - seen:
        seen.add(other)
        reached(other, seen)
    return seen


@pytest.mark.parametrize("position", range(len(LAYERS)))
def test_a_layer_knows_nothing_of_those_above(position: int) -> None:
    above = set(LAYERS[position + 1 :])

    assert not reached(LAYERS[position]) & above


@pytest.mark.parametrize("name", ["predictor", "registry", "request", "bundle"])
def test_serving_needs_nothing_of_training(name: str) -> None:
    assert not reached(name) & SERVING_MAY_NOT


def test_the_arrows_are_seen_at_all() -> None:
    assert {"contract", "errors"} <= reached("features")
    assert {"pipeline", "tables.split"} <= reached("train")


@pytest.mark.parametrize("name", MODULES)
def test_a_module_is_reached_from_a_verb_or_another_module(name: str) -> None:
    if name in FOR_SERVERS:
        return
    others = {n for o, p in MODULES.items() if o != name for n in imports(p, anywhere=True)}
    source = MODULES[name].read_text(encoding="utf-8")

    assert name in others or "def main(argv" in source
