"""The arrows between packages run one way, and no module lies about unused."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import engine

SRC = Path(str(engine.__file__)).parents[1]
ORDER = (
    "core < contract < data, corpus < features, retrieval < registry < tracking, answering"
    " < training, evaluation < serving, batch, edge, monitoring < commands < __main__"
)
LEVEL = {n: level for level, names in enumerate(ORDER.split(" < ")) for n in names.split(", ")}
MODULES = {
    ".".join(path.relative_to(SRC).with_suffix("").parts).removesuffix(".__init__"): path
    for path in sorted(SRC.rglob("*.py"))
}
MOST_NAMES = 10
OF_A_PLATFORM = {"in_process.py", "function", "seldon", "triton"}  # beside the server's own ten
FOLDERS = ("engine.serving.http.protocols.", "engine.answering.watched.")  # all in them is taken
NOT_EVERYWHERE = {
    "engine.contract.example_rows",  # batches have use for it in tests only
    "engine.serving.function.handler",  # its image names it to AWS's runtime client
    "engine.serving.seldon.runtime",  # model-settings.json names it to MLServer
    "engine.serving.triton.model",  # the model repository names it to Triton
}


def imports(name: str, *, anywhere: bool) -> Iterator[str]:
    """Modules of this repository that a module imports when it is loaded, or at any time.

    A module that comes with an option is looked up by its name.
    """
    tree = ast.parse(MODULES[name].read_text(encoding="utf-8"))
    for node in ast.walk(tree) if anywhere else tree.body:
        found: list[str] = []
        if isinstance(node, ast.Import):
            found = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            found = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            found = [node.value]
        yield from (module for module in found if module in MODULES)


def package(module: str) -> str:
    """The stage a module of the engine belongs to; empty for the engine itself and for `app`."""
    root, _, inner = module.partition(".")
    return inner.partition(".")[0] if root == "engine" else ""


def reached(name: str) -> set[str]:
    """Everything that loading a module loads of this repository."""
    seen, waiting = set[str](), [name]
    while waiting:
        for other in imports(waiting.pop(), anywhere=False):
            if other not in seen:
                seen.add(other)
                waiting.append(other)
    return seen


@pytest.mark.parametrize("name", [name for name in MODULES if package(name)])
def test_a_stage_knows_only_those_before_it(name: str) -> None:
    here = package(name)

    known = {package(other) for other in imports(name, anywhere=True)} - {here, ""}

    assert all(LEVEL[other] < LEVEL[here] for other in known), known


def test_the_arrows_are_seen_at_all() -> None:
    assert {"engine.core.errors", "engine.core.storage"} <= reached("engine.registry.registry")


def test_what_the_image_serves_with_loads_nothing_of_training() -> None:
    for name in MODULES:
        if package(name) in ("serving", "batch", "registry") and package(name) != "commands":
            assert not {"training", "evaluation"} & {*map(package, reached(name))}, name


@pytest.mark.parametrize(
    "name", [n for n, p in MODULES.items() if not p.stem.startswith("__") and package(n)]
)
def test_a_module_is_a_verb_or_somebody_imports_it(name: str) -> None:
    others = {o for other in MODULES if other != name for o in imports(other, anywhere=True)}
    by_name = any(f'"{name}"' in path.read_text(encoding="utf-8") for path in MODULES.values())

    by_folder = name.startswith(FOLDERS)

    assert name in others | NOT_EVERYWHERE or by_name or by_folder or package(name) == "commands"


@pytest.mark.parametrize("folder", sorted({path.parent for path in MODULES.values()}))
def test_a_package_can_be_learnt_at_a_glance(folder: Path) -> None:
    names = [
        path.name
        for path in folder.iterdir()
        if not path.name.startswith("__")
        and path.name not in OF_A_PLATFORM
        and (path.suffix == ".py" or (path / "__init__.py").is_file())
    ]

    assert len(names) <= MOST_NAMES, names
