"""What a run is made from: nothing that decides what a model becomes can be forgotten."""

import shutil
from pathlib import Path

import pytest

import engine
from engine.core import provenance
from engine.registry import inputs

SRC = Path(str(engine.__file__)).parents[1]
DECIDES = [
    "app/model.py",
    "app/features.py",
    "engine/contract/schema.py",
    "engine/data/split.py",
    "engine/features/encode.py",
    "engine/training/pipeline.py",
    "engine/training/a_new_file.py",
]


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A copy of the code."""
    ignored = shutil.ignore_patterns("__pycache__")
    return shutil.copytree(SRC, tmp_path / "src", ignore=ignored)


@pytest.mark.parametrize("file", DECIDES)
def test_an_edit_of_what_decides_is_other_code(source: Path, file: str) -> None:
    before = inputs.code_hash(source)
    assert before == inputs.code_hash(SRC)

    with (source / file).open("a", encoding="utf-8") as stream:
        stream.write("# an edit\n")

    assert inputs.code_hash(source) != before


def test_every_file_beside_the_model_counts(source: Path) -> None:
    """Whatever an option puts there, such as the network of a model."""
    for path in sorted((source / "engine/training").glob("*.py")):
        before = inputs.code_hash(source)
        path.write_text(path.read_text(encoding="utf-8") + "# an edit\n", encoding="utf-8")
        assert inputs.code_hash(source) != before, path.name


def test_an_edit_of_what_only_serves_or_compiles_changes_nothing(source: Path) -> None:
    before = inputs.code_hash(source)
    (source / "engine/commands/up.py").write_text("", encoding="utf-8")
    (source / "engine/training/__pycache__").mkdir(exist_ok=True)
    (source / "engine/training/__pycache__/x.pyc").touch()

    assert inputs.code_hash(source) == before


def test_every_library_that_training_asks_for_is_recorded() -> None:
    root = Path(__file__).parents[2]

    found = provenance.libraries(str(root / "pyproject.toml"))

    text = (root / "pyproject.toml").read_text(encoding="utf-8")
    assert {"numpy", "scikit-learn", "skl2onnx", "onnxruntime"} <= found.keys()
    assert ('"torch==' in text) == ("torch" in found)
    assert all(version[0].isdigit() for version in found.values())


def test_outside_the_project_no_library_is_known(tmp_path: Path) -> None:
    assert provenance.libraries(str(tmp_path / "pyproject.toml")) == {}
