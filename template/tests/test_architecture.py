"""The arrows between modules run one way, and nothing but the contract names a column."""

import ast
from pathlib import Path

import pytest

from .conftest import contract

PACKAGE = Path(contract.__file__).parent
MODULES = sorted(PACKAGE.glob("*.py"))
LAYERS = ["errors", "contract", "features", "pipeline", "judge", "train"]
SERVING_MAY_NOT = {"pipeline", "convert", "train", "judge", "data", "model"}
STARTED_BY_VERB = {"up", "evaluate", "reproduce", "monitor"}  # they compose, nothing imports them


def imports(path: Path) -> set[str]:
    """Modules of this package that a module imports when it is loaded."""
    found: set[str] = set()
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
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
def test_only_the_contract_names_columns(path: Path) -> None:
    own = contract.load(Path(__file__).parent.parent / "contract.toml")
    names = {own.dataset.target, own.dataset.entity, *own.columns} - {None}
    tree = ast.parse(path.read_text(encoding="utf-8"))
    texts = {n.value for n in ast.walk(tree) if isinstance(n, ast.Constant) and n.value in names}
    common = {"plan", "value", "label", "id", "name", "group", "row", "rows", "version"}

    assert not texts - common


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.stem)
def test_a_module_is_reached_from_a_verb_or_another_module(path: Path) -> None:
    others = set().union(*(imports(other) for other in MODULES if other != path))
    source = path.read_text(encoding="utf-8")

    assert path.stem in others or path.stem.startswith("__") or "def main(argv" in source
