"""Google Cloud Storage, as fsspec opens it: what it may log, and whose errors are its own."""

import logging
import os
from typing import Any

SCHEME = "gs"
OPTIONS: dict[str, Any] = {}
ERRORS = ("aiohttp", "gcsfs", "google")

# What gcsfs tries on top of plain buckets takes further calls and warns at each.
os.environ.setdefault("GCSFS_EXPERIMENTAL_ZB_HNS_SUPPORT", "false")
logging.getLogger("gcsfs").setLevel(logging.CRITICAL)  # what it logs, it raises as well
