"""How predictions get out: over HTTP. The seam that `up` ends in."""

from engine.core.settings import Settings
from engine.serving.first import show
from engine.serving.http import server


def check(settings: Settings) -> None:
    """Refuse at once what would fail after the work: a port that is taken."""
    server.listen(settings.host, settings.port).close()


def up(settings: Settings, once: bool) -> int:
    """Start the server, show one prediction and how to ask for it, go on until Ctrl-C.

    With `once` it stops after the prediction.
    """
    return server.run(settings, lambda url: show(url, settings, goes_on=not once), once=once)
