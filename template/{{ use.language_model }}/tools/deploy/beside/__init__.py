"""What runs beside the server: each module here that has `checks()` adds to `deploy --check`."""

from typing import NamedTuple


class Placed(NamedTuple):
    """What the files say of a language model that is started there."""

    image: str
    arguments: list[str]
    environment: dict[str, str]
    gpus: int
    shared_memory: bool
    kept: list[str]
    """Where in it a volume outlives the container."""
    probes: dict[str, str]
    """The paths that the platform asks it for."""
    port: int
    host: str
    asked: list[str]
    """What the servers are told its address is."""
    scraped: set[str]
    """What Prometheus reads: host and port."""
