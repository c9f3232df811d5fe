"""The exported app to look at with a browser."""

import functools
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Page

from engine.core.settings import Settings
from engine.core.storage import Storage
from engine.edge import export
from engine.edge import server as serve
from engine.registry.registry import Registry

WEB = Path(__file__).parents[2] / "web"


@contextmanager
def served(folder: Path, port: int = 0) -> Iterator[str]:
    """The app over HTTP; the address."""
    with serve.listen(Settings(port=port), folder) as server:
        threading.Thread(target=server.serve_forever, args=[0.01], daemon=True).start()
        yield serve.address(server)
        server.shutdown()


@functools.cache
def app_of(trained: Path) -> Path:
    """The exported app of a trained project, once for each."""
    version, bundle = Registry(Storage(trained / "store")).load()
    target = trained.parent / "site"
    gates = export.build(Settings(model_mb=50), bundle, version, target, WEB)
    assert not any(gate.failed for gate in gates), gates
    return target


def ready(page: Page, url: str) -> Page:
    """Open the app and wait until its model is loaded."""
    page.goto(url)
    page.get_by_text("Fill in the form, then").wait_for()
    return page
