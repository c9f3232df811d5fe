"""Settings of the running system: `settings.toml`, overlaid by APP_ variables."""

import os
import tomllib
from collections.abc import Mapping
from pathlib import Path

import msgspec

from engine.core.errors import SettingsError
from engine.core.serving_settings import SECRETS, ServingSettings

PREFIX = "APP_"


class Settings(ServingSettings, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Every setting with its default; `load` fills it."""

    name: str = "model"
    """What trackers, clusters and monitoring call this system."""
    store: str = "store"
    """Where runs, versions and logs live: a local path, or the URL of an object store."""
    tracking_url: str = ""
    """The tracking server; empty means a local one inside the store."""
    feature_store: str = ""
    """The address of a feature server, where there is one; empty means what the option brings."""
    prediction_log: str = "logs"
    """Where predictions and outcomes are kept: a local folder, the URL of an object store, or - for
    standard output, which platforms collect; empty turns the log off."""
    log_level: str = "info"


def load_settings(
    path: str | Path = "settings.toml", env: Mapping[str, str] = os.environ
) -> Settings:
    """Read the settings; an APP_ variable wins over the file.

    Raises SettingsError naming the setting, its value and the rule.
    """
    values: dict[str, object] = {}
    if Path(path).exists():
        try:
            values = tomllib.loads(Path(path).read_text(encoding="utf-8"))
        except tomllib.TOMLDecodeError as error:
            raise SettingsError(f"{path} is not valid TOML: {error}") from None
    names = {field.name for field in msgspec.structs.fields(Settings)}
    secrets = SECRETS | {name for name in names if name.endswith("_key")}
    for secret in sorted(secrets & values.keys()):  # files are committed
        raise SettingsError(
            f"{path} sets {secret}; a secret comes from {PREFIX}{secret.upper()} only"
        )
    for key, value in env.items():
        if key.startswith(PREFIX):
            values[key.removeprefix(PREFIX).lower()] = value
    for unknown in sorted(values.keys() - names):
        raise SettingsError(f"unknown setting {unknown!r}; known: {', '.join(sorted(names))}")
    try:
        return msgspec.convert(values, Settings, strict=False)
    except msgspec.ValidationError as error:
        raise SettingsError(f"{path} or {PREFIX} variable: {error}") from None
