"""The settings of the HTTP server. Every way to serve offers SECRETS and ServingSettings."""

import msgspec

SECRETS = frozenset({"api_key"})  # from the environment only


class ServingSettings(msgspec.Struct, frozen=True, kw_only=True):
    """What the server can be told, with defaults for one worker in a container."""

    host: str = "127.0.0.1"
    port: int = 8000
    api_key: str = ""
    """When set, every request but health and metrics must carry it in X-API-Key."""
    deadline_ms: float = 250.0
    """A prediction that takes longer is answered by the fallback."""
    lookup_ms: float = 100.0
    """Looking up features may take so long before that; else the fallback answers."""
    queue_rows: int = 2000
    """Rows that may wait for the model; beyond it a request is refused with Retry-After."""
    batch_rows: int = 256
    """Rows the model scores in one call."""
    body_bytes: int = 1_000_000
    request_rows: int = 1000
    prediction_log_mb: int = 512
    """Oldest log files go when the folder holds more than this."""
    drain_seconds: int = 20
    """How long SIGTERM waits for accepted requests."""
    reload_seconds: float = 5.0
    """How often the server looks whether another version was promoted."""
