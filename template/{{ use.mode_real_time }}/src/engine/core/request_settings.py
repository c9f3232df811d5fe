"""What every way to serve in real time can be set to."""

from engine.core.kind_settings import KindSettings


class RequestSettings(KindSettings, frozen=True, kw_only=True):
    """Limits of a request and of the model behind it, with defaults for one worker."""

    host: str = "127.0.0.1"
    port: int = 8000
    api_key: str = ""
    """When set, every request but health and metrics must carry it in X-API-Key."""
    pages: bool = True
    """A form at /, a page about the interface at /docs, and reports; false: none of them."""
    deadline_ms: float = 250.0
    """A prediction that takes longer is answered by the fallback."""
    queue_rows: int = 2000
    """Rows that may wait for the model; beyond it a request is refused with Retry-After."""
    loop_ms: float = 2.0
    """Rows that the model is expected to be done with sooner are scored on the event loop, without
    the ways to and from the model thread; 0: none."""
    batch_rows: int = 256
    """Rows the model scores in one call."""
    body_bytes: int = 1_000_000
    request_rows: int = 1000
    explain_rows: int = 20
    """Rows of a request with explain=true; each is scored once more for every feature."""
    prediction_log_mb: int = 512
    """Oldest log files go when the folder holds more than this."""
    reload_seconds: float = 5.0
    """How often the server looks whether another version was promoted."""

    @property
    def is_local(self) -> bool:
        """Whether only this machine can reach the server."""
        return self.host in ("localhost", "::1") or self.host.startswith("127.")
