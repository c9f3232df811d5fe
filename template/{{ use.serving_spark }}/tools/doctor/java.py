"""Java, which Spark runs on."""

from __future__ import annotations

import sys
from collections.abc import Iterator

from . import MISSING, OK, ROOT, Finding


def look() -> Iterator[Finding]:
    """Say whether there is a Java that Spark can run on."""
    sys.path.insert(0, str(ROOT / "src"))
    from engine.batch.spark import java  # these two need no package either
    from engine.core.errors import SettingsError

    try:
        java.require()
    except SettingsError as error:
        why, _, way_out = str(error).partition(". ")
        yield Finding(MISSING, "Java", why, "batch and test", way_out)
    else:
        yield Finding(OK, "Java", f"{java.OLDEST} or newer", "batch and test")
