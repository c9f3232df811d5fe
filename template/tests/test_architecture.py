"""The arrows between modules run one way, and no module lies about unused."""

import ast
from pathlib import Path

import pytest

from .conftest import contract

PACKAGE = Path(contract.__file__).parent
MODULES = sorted(PACKAGE.glob("*.py"))
LAYERS = ["errors", "contract", "features", "pipeline", "judge", "train"]
SERVING_MAY_NOT = {"pipeline", "convert", "train", "judge", "data", "model"}


def imports(path: Path, *, anywhere: bool = False) -> set[str]:
    """Modules of this package that a module imports when it is loaded, or at any time."""
    found: set[str] = set()
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for node in ast.walk(tree) if anywhere else tree.body:
        if isinstance(node, ast.ImportFrom) and node.level == 1:
            found |= {node.module} if node.module else {alias.name for alias in node.names}
    return found


def reached(name: str, seen: set[str] | None = None) -> set[str]:
    """Everything that loading a module loads of this package."""
    seen = set() if seen is None else seen
    for other in imports(PACKAGE / f"{name}.py"):
        if other not in seen and (PACKAGE / f"{other}.py").exists():
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


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.stem)
def test_a_module_is_reached_from_a_verb_or_another_module(path: Path) -> None:
    others = set().union(*(imports(other, anywhere=True) for other in MODULES if other != path))
    source = path.read_text(encoding="utf-8")

    assert path.stem in others or path.stem.startswith("__") or "def main(argv" in source
