"""The static app as a folder: page, runtime, model, and a list of every file with its hash."""

import base64
import hashlib
import shutil
from pathlib import Path
from typing import Any

import msgspec

from engine.core.errors import ProjectError
from engine.edge import packages
from engine.features.encode import Encoder
from engine.registry import form
from engine.registry.bundle import Bundle

PAGE = ("*.html", "*.css", "*.js", "*.svg")
ROOT = ("index.html", "service-worker.js")  # the rest of the page is in app/
RUNTIME = {  # in the app -> in the package onnxruntime-web: plain WebAssembly, no WebGPU, no WebNN
    "runtime/ort.js": "ort.wasm.bundle.min.mjs",
    "runtime/ort.wasm": "ort-wasm-simd-threaded.wasm",
}
MODEL, FACTS, LIST = "model.onnx", "contract.json", "files.js"
NOT_KEPT = (LIST, "service-worker.js")  # the browser itself looks after these two


def write(
    folder: Path, bundle: Bundle, version: int, project: str, web: Path = packages.WEB
) -> None:
    """Write the app into an empty or missing folder."""
    modules = packages.install(web)
    (folder / "runtime").mkdir(parents=True)
    (folder / "app").mkdir()
    for pattern in PAGE:
        for file in sorted((web / "app").glob(pattern)):
            place = folder if file.name in ROOT else folder / "app"
            shutil.copyfile(file, place / file.name)
    for name, source in RUNTIME.items():
        shutil.copyfile(modules / "onnxruntime-web/dist" / source, folder / name)
    (folder / MODEL).write_bytes(bundle.model)
    downloads = {
        "runtime": download(folder, "runtime/ort.wasm"),
        "model": download(folder, MODEL),
    }
    encoder = Encoder(bundle.contract)
    facts = form.facts(bundle, version, project) | {
        "inputs": {
            "plain": encoder.plain,
            "datetimes": encoder.datetimes,
            "categories": encoder.categories,
        },
        "files": downloads,
    }
    _json(folder / FACTS, facts)
    _json(folder / "app.webmanifest", _manifest(project))
    files = {name: integrity(folder / name) for name in listing(folder) if name not in NOT_KEPT}
    digest = hashlib.sha256(msgspec.json.encode(files)).hexdigest()[:16]
    app = msgspec.json.encode({"version": f"{version}-{digest}", "files": files}).decode()
    (folder / LIST).write_text(f"self.APP = {app};\n", encoding="utf-8")


def place(made: Path, target: Path) -> None:
    """Put a finished app where it belongs, in place of an older one.

    Raises ProjectError when other files are there: they are not ours to delete.
    """
    if target.exists() and any(target.iterdir()) and not is_app(target):
        raise ProjectError(
            f"{target} holds files that are no app of ours, and they are not deleted; "
            "name another folder with --to, or with site in settings.toml"
        )
    old = target.with_name(f"{target.name}.old")
    shutil.rmtree(old, ignore_errors=True)
    target.parent.mkdir(parents=True, exist_ok=True)
    if target.exists():
        target.rename(old)
    shutil.move(made, target)
    shutil.rmtree(old, ignore_errors=True)


def is_app(folder: Path) -> bool:
    """Whether a folder holds an app that was exported here."""
    return (folder / LIST).is_file() and (folder / FACTS).is_file()


def listing(folder: Path) -> list[str]:
    """The files of an app, by their path inside it."""
    found = (path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
    return sorted(found)


def download(folder: Path, name: str) -> dict[str, Any]:
    """A file as the page fetches it: path, size, and the hash that it must have."""
    path = folder / name
    return {"path": name, "bytes": path.stat().st_size, "integrity": integrity(path)}


def integrity(path: Path) -> str:
    """The hash of a file as browsers check it (W3C, Subresource Integrity)."""
    return "sha256-" + base64.b64encode(hashlib.sha256(path.read_bytes()).digest()).decode()


def _manifest(project: str) -> dict[str, Any]:
    name = project.replace("-", " ").capitalize()
    return {
        "name": name,
        "short_name": name,
        "start_url": ".",
        "display": "standalone",
        "background_color": "#f3f5f9",
        "theme_color": "#1f4fbf",
        "icons": [{"src": "app/icon.svg", "sizes": "any", "type": "image/svg+xml"}],
    }


def _json(path: Path, content: Any) -> None:
    path.write_bytes(msgspec.json.format(msgspec.json.encode(content), indent=1))
