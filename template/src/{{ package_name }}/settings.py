"""Settings of the running system: `settings.toml`, overlaid by APP_ variables."""

import os
import tomllib
from collections.abc import Mapping
from pathlib import Path

import msgspec

from .errors import SettingsError

PREFIX = "APP_"
SECRETS = frozenset({"api_key"})  # never from a file: files are committed


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Every setting with its default; `load` fills it."""

    store: str = "store"
    """Where runs, versions and logs live: a local path, s3://bucket/path or gs://bucket/path."""
    tracking_url: str = ""
    """The tracking server; empty means a local one inside the store."""
    host: str = "127.0.0.1"
    port: int = 8000
    api_key: str = ""
    """When set, every request but health and metrics must carry it in X-API-Key."""
    deadline_ms: float = 250.0
    """A prediction that takes longer is answered by the fallback."""
    queue_rows: int = 2000
    """Rows that may wait for the model; beyond it a request is refused with Retry-After."""
    batch_rows: int = 256
    """Rows the model scores in one call."""
    body_bytes: int = 1_000_000
    request_rows: int = 1000
    prediction_log: str = "logs"
    """A local folder for predictions and outcomes; empty turns the log off."""
    prediction_log_mb: int = 512
    """Oldest log files go when the folder holds more than this."""
    drain_seconds: int = 20
    """How long SIGTERM waits for accepted requests."""
    reload_seconds: float = 5.0
    """How often the server looks whether another version was promoted."""
    log_level: str = "info"


def load(path: str | Path = "settings.toml", env: Mapping[str, str] = os.environ) -> Settings:
    """Read the settings; an APP_ variable wins over the file.

    Raises SettingsError naming the setting, its value and the rule.
    """
    values: dict[str, object] = {}
    if Path(path).exists():
        try:
            values = tomllib.loads(Path(path).read_text(encoding="utf-8"))
        except tomllib.TOMLDecodeError as error:
            raise SettingsError(f"{path} is not valid TOML: {error}") from None
    for secret in SECRETS & values.keys():
        raise SettingsError(
            f"{path} sets {secret}; a secret comes from {PREFIX}{secret.upper()} only"
        )
    names = {field.name for field in msgspec.structs.fields(Settings)}
    for key, value in env.items():
        if key.startswith(PREFIX):
            values[key.removeprefix(PREFIX).lower()] = value
    for unknown in sorted(values.keys() - names):
        raise SettingsError(f"unknown setting {unknown!r}; known: {', '.join(sorted(names))}")
    try:
        return msgspec.convert(values, Settings, strict=False)
    except msgspec.ValidationError as error:
        raise SettingsError(f"{path} or {PREFIX} variable: {error}") from None
