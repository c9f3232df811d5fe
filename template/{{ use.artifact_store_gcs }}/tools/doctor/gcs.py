"""Credentials of Google Cloud Storage, where the store is there."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from . import CANNOT_TELL, MISSING, OK, Finding, settings

VARIABLE = "GOOGLE_APPLICATION_CREDENTIALS"
WAY_OUT = (
    f"{VARIABLE}=<the file of a service account>, or `gcloud auth application-default login`;"
    " a machine of Google Cloud has an account of its own, which cannot be seen from here"
)


def look() -> Iterator[Finding]:
    """Say whether there are credentials; only a call can say whether they open the bucket."""
    thing, needs_it = "credentials of Google Cloud", "every verb that reads or writes the store"
    store = str(settings().get("store", ""))
    if not store.startswith("gs://"):
        said = f"not used yet: store is {store!r}, and not gs://bucket/path"
        yield Finding(OK, thing, said, needs_it)
        return
    roaming = Path(os.environ.get("APPDATA", "")) / "gcloud"
    usual = roaming if os.name == "nt" else Path.home() / ".config/gcloud"
    named = os.environ.get(VARIABLE, "")
    file = Path(named) if named else usual / "application_default_credentials.json"
    if file.exists():
        yield Finding(OK, thing, f"in {file}; `history` says whether they open it", needs_it)
    elif named:
        said = f"{VARIABLE} names {named}, which is not there"
        yield Finding(MISSING, thing, said, needs_it, WAY_OUT)
    else:
        yield Finding(CANNOT_TELL, thing, f"{VARIABLE} is not set", needs_it, WAY_OUT)
