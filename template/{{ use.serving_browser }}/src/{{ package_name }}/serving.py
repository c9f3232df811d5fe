"""How predictions get out: as an app in the browser. The seam that `up` ends in."""

import threading
import urllib.request
from pathlib import Path

import msgspec
import numpy as np

from . import export, registry, serve
from .browser import site, trial
from .errors import ProjectError
from .predictor import Predictor
from .settings import Settings
from .storage import Storage


def up(settings: Settings, once: bool) -> int:
    """Export the app, show one prediction of it, and serve it until Ctrl-C.

    With `once` it ends after every file was fetched from the server.
    """
    folder = export.export(settings)
    show(settings, folder)
    with serve.listen(settings, folder) as server:
        url = serve.address(server)
        print(f"the app: {url}", flush=True)
        if not once:
            print("to stop: Ctrl-C", flush=True)
            server.serve_forever()
        threading.Thread(target=server.serve_forever, daemon=True).start()
        print(f"{fetch(url, folder)} files were fetched from there, each of the right type")
        server.shutdown()
    return 0


def show(settings: Settings, folder: Path) -> None:
    """Print the app's own answer to a typical case, computed by its runtime in Node.js."""
    _, bundle = registry.Registry(Storage(settings.store)).load()
    predictor = Predictor(bundle)
    row = trial.requests(bundle.contract)[0]
    [answer] = trial.node(folder, [row])
    scores = np.array([answer["scores"]])
    given = {"row": row, "prediction": predictor.answers(scores)[0]}
    print(f"\n{msgspec.json.format(msgspec.json.encode(given), indent=2).decode()}\n")


def fetch(url: str, folder: Path) -> int:
    """Fetch every file of the app as a browser does; returns how many there are.

    Raises ProjectError for one that does not come as it should.
    """
    names = site.listing(folder)
    for name in names:
        with urllib.request.urlopen(url + name, timeout=30) as answer:
            kind = answer.headers["Content-Type"]
            if (
                answer.read() != (folder / name).read_bytes()
                or kind != serve.TYPES[Path(name).suffix]
            ):
                raise ProjectError(f"{url}{name} does not come as it should (type {kind})")
    return len(names)
