"""The secrets of the server, as the files of a platform hand them on: names, and never a value."""

from collections.abc import Collection, Iterator, Mapping
from typing import Any

import msgspec

from engine.core.errors import SettingsError
from engine.core.settings import load_settings

from ..doctor.keys import Secret, is_asked_for, secrets
from . import ROOT

SETTINGS = ROOT / "settings.toml"


def to_the_server() -> list[Secret]:
    """The secrets that the server reads."""
    return [secret for secret in secrets() if "serve" in secret.jobs]


def faults(values: Mapping[str, Any], where: str, *, closed: bool = True) -> Iterator[str]:
    """What is wrong with the variables of the server; a value is None where it comes from a secret.

    `closed`: nothing else hands variables on.
    """
    for secret in to_the_server():
        if secret.variable not in values:
            if closed:
                yield (
                    f"missing: secret {secret.variable}, which opens {secret.opens}; "
                    f"{where} does not hand it on"
                )
        elif values[secret.variable]:
            yield f"{secret.variable} has its value in {where}; it comes from a secret only"


def missing(told: Mapping[str, str], there: Collection[str], where: str) -> str:
    """What a check says beside its name: secrets that the settings ask for, and that are not there.

    An endpoint may want no key, so this is no fault. `told` is the environment of the server.
    """
    try:
        said = {**told, **msgspec.structs.asdict(load_settings(SETTINGS, told))}
    except SettingsError:  # said by another check
        return ""
    names = [
        f"{secret.variable} ({secret.setting} is set)"
        for secret in to_the_server()
        if is_asked_for(secret, said) and secret.variable not in there
    ]
    return f"; missing {where}, if one is wanted: secret {', '.join(names)}" if names else ""
