"""The first answer of an exported app, and whether a server hands all of it out."""

import urllib.request
from pathlib import Path

import msgspec
import numpy as np

from engine.core.errors import ProjectError
from engine.core.settings import Settings
from engine.core.storage import Storage
from engine.edge import server, site, trial
from engine.registry.predictor import Predictor
from engine.registry.registry import Registry


def show(settings: Settings, folder: Path) -> None:
    """Print the app's own answer to a typical case, computed by its runtime in Node.js."""
    _, bundle = Registry(Storage(settings.store)).load()
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
                or kind != server.TYPES[Path(name).suffix]
            ):
                raise ProjectError(f"{url}{name} does not come as it should (type {kind})")
    return len(names)
