"""The settings of the app. Every way to serve offers SECRETS and ServingSettings."""

import msgspec

SECRETS: frozenset[str] = frozenset()


class ServingSettings(msgspec.Struct, frozen=True, kw_only=True):
    """Where the app is written, where it is served for a look, and what it may weigh.

    Sizes are megabytes of 1,000,000 bytes as the files lie there; most hosts compress them further.
    """

    site: str = "web/site"
    """The folder of the app: copy it to any host of static files."""
    host: str = "127.0.0.1"
    port: int = 8000
    runtime_mb: float = 15.0
    """The most that ONNX Runtime Web may weigh; what is over it is not exported."""
    model_mb: float = 3.0
    """The most that model.onnx may weigh."""
    page_mb: float = 0.2
    """The most that page, style and scripts may weigh."""
