"""Nothing of a bundle is used before every hash agrees."""

import shutil
from pathlib import Path

import pytest

from engine.core.errors import BundleError
from engine.core.storage import Storage
from engine.registry.bundle import Bundle, load_bundle


@pytest.fixture
def copy(trained: Path, tmp_path: Path) -> Path:
    """A version's folder that a test may damage."""
    version = next((trained / "store/versions").iterdir())
    return Path(shutil.copytree(version, tmp_path / "bundle"))


def load(folder: Path, digest: str | None = None) -> Bundle:
    return load_bundle(Storage(folder.parent), folder.name, digest)


def test_a_whole_bundle_is_loaded(copy: Path) -> None:
    assert load(copy).contract.features


@pytest.mark.parametrize("name", ["model.onnx", "contract.toml", "reference.parquet"])
def test_a_missing_truncated_or_altered_file_is_named(copy: Path, name: str) -> None:
    content = (copy / name).read_bytes()
    for damaged in (content[:-1], content[:50], content + b" ", b""):
        (copy / name).write_bytes(damaged)
        with pytest.raises(BundleError, match="was truncated or altered") as caught:
            load(copy)
        assert name in str(caught.value)
    (copy / name).unlink()

    with pytest.raises(BundleError, match="is missing") as caught:
        load(copy)
    assert name in str(caught.value)


def test_a_broken_manifest_is_refused(copy: Path) -> None:
    (copy / "manifest.json").write_text("{")

    with pytest.raises(BundleError, match="is broken"):
        load(copy)


def test_a_manifest_that_was_exchanged_is_refused(copy: Path) -> None:
    with pytest.raises(BundleError, match="not the one that was registered"):
        load(copy, "0" * 64)
