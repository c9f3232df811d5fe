"""Credentials of S3, where the store is there."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from . import CANNOT_TELL, OK, Finding, settings

ROLE = {"AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"}
WAY_OUT = (
    "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY in the environment, or a file that `aws configure`"
    " writes; a machine of AWS may have a role instead, which cannot be seen from here"
)


def look() -> Iterator[Finding]:
    """Say whether there are credentials; only a call can say whether they open the bucket."""
    thing, needs_it = "credentials of S3", "every verb that reads or writes the store"
    store = str(settings().get("store", ""))
    if not store.startswith("s3://"):
        said = f"not used yet: store is {store!r}, and not s3://bucket/path"
        yield Finding(OK, thing, said, needs_it)
        return
    home = Path.home() / ".aws"
    file = Path(os.environ.get("AWS_SHARED_CREDENTIALS_FILE", home / "credentials"))
    if {"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"} <= os.environ.keys():
        yield Finding(
            OK, thing, "in the environment; `history` says whether they open it", needs_it
        )
    elif os.environ.keys() & ROLE:
        yield Finding(OK, thing, "from the role of this container", needs_it)
    elif file.exists():
        yield Finding(OK, thing, f"in {file}; `history` says whether they open it", needs_it)
    else:
        said = "neither in the environment nor in a file"
        yield Finding(CANNOT_TELL, thing, said, needs_it, WAY_OUT)
