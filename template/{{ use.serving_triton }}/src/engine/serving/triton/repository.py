"""Triton's model repository for a version: a folder for each model, with its config.pbtxt."""

import contextlib
from pathlib import Path

from engine.core.errors import BundleError
from engine.core.settings import Settings
from engine.core.storage import Storage
from engine.registry.bundle import Bundle
from engine.registry.registry import Registry
from engine.serving.triton import config

SRC = Path(__file__).parents[3]
MODEL = """\
# What Triton's Python backend loads, whose Python heeds no PYTHONPATH.
import sys

sys.path.append({src!r})
from engine.serving.triton.model import TritonPythonModel as TritonPythonModel
"""


def champion(settings: Settings) -> tuple[int, Bundle]:
    """The version that answers, and its bundle: the champion, or else one before it that can.

    Raises RegistryError when there is no champion, BundleError when all of them are damaged.
    """
    registry = Registry(Storage(settings.store))
    try:
        return registry.load(None)
    except BundleError:
        for number in dict.fromkeys(reversed(registry.state().champions)):
            with contextlib.suppress(BundleError):
                return registry.load(number)
        raise


def write_whole(folder: Path, bundle: Bundle, settings: Settings) -> bool:
    """Write the model that keeps the whole contract; says whether its description changed.

    A running Triton goes on as it is until it is asked to load the model again.
    """
    text = config.whole(bundle.contract, settings.name, settings)
    place = folder / settings.name
    (place / "1").mkdir(parents=True, exist_ok=True)
    _replace(place / "1/model.py", MODEL.format(src=str(SRC)))
    return _replace(place / "config.pbtxt", text)


def write_bare(
    folder: Path, version: int, bundle: Bundle, settings: Settings, instances: int
) -> bool:
    """Write model.onnx by itself as version `version`; says whether its description changed."""
    name = f"{settings.name}_onnx"
    file = folder / name / str(version) / "model.onnx"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(bundle.model)
    text = config.bare(file, name, version, instances, settings)
    return _replace(folder / name / "config.pbtxt", text)


def _replace(file: Path, text: str) -> bool:
    """Change a file at once: Triton may be reading it."""
    if file.exists() and file.read_text("utf-8") == text:
        return False
    fresh = file.with_suffix(".new")
    fresh.write_text(text, encoding="utf-8", newline="\n")
    fresh.replace(file)
    return True
