"""How predictions get out: as an app in the browser. The seam that `up` ends in."""

import threading
from pathlib import Path

from engine.core.settings import Settings
from engine.edge import export, first
from engine.edge import server as serve


def check(settings: Settings) -> None:
    """Refuse at once what would fail after the work: a port that is taken."""
    serve.listen(settings, Path()).server_close()


def up(settings: Settings, once: bool) -> int:
    """Export the app, show one prediction of it, and serve it until Ctrl-C.

    With `once` it ends after every file was fetched from the server.
    """
    folder = export.export(settings)
    first.show(settings, folder)
    with serve.listen(settings, folder) as server:
        url = serve.address(server)
        print(f"the app: {url}", flush=True)
        if not once:
            print("to stop: Ctrl-C", flush=True)
            server.serve_until_told()
            return 0
        threading.Thread(target=server.serve_forever, daemon=True).start()
        print(f"{first.fetch(url, folder)} files were fetched from there, each of the right type")
        server.shutdown()
    return 0
