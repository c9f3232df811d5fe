"""The settings of the HTTP server. Every way to serve offers SECRETS and ServingSettings."""

from engine.core.request_settings import RequestSettings

SECRETS = frozenset({"api_key"})  # from the environment only


class ServingSettings(RequestSettings, frozen=True, kw_only=True):
    """What the server can be told beside the limits of a request."""

    drain_seconds: int = 20
    """How long SIGTERM waits for accepted requests."""
