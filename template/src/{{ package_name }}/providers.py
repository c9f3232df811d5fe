"""The object stores behind s3:// and gs://: the packages they need, their manners, their errors."""

import logging
import os
from typing import Any

PACKAGES = {"s3": "s3", "gs": "gcs"}  # scheme -> the answer that brings its package
OPTIONS: dict[str, dict[str, Any]] = {  # s3fs repeats by itself; twice over takes minutes
    "s3": {"config_kwargs": {"connect_timeout": 5, "retries": {"total_max_attempts": 1}}},
}
ERRORS = ("aiohttp", "botocore", "gcsfs", "google")  # modules whose exceptions are no OSError

# What gcsfs tries on top of plain buckets takes further calls and warns at each.
os.environ.setdefault("GCSFS_EXPERIMENTAL_ZB_HNS_SUPPORT", "false")
logging.getLogger("gcsfs").setLevel(logging.CRITICAL)  # what it logs, it raises as well
for _chatty in ("aiobotocore", "botocore"):
    logging.getLogger(_chatty).setLevel(logging.WARNING)


def way_out(scheme: str) -> str:
    """What to do when a URL of this scheme cannot be opened."""
    answer = PACKAGES.get(scheme)
    if answer is None:
        return "use a local path, s3:// or gs://"
    return f"the package for it is not installed; run: copier update -d artifact_store={answer}"


def is_foreign(error: Exception) -> bool:
    """Whether an exception comes from an object store's own library."""
    return type(error).__module__.partition(".")[0] in ERRORS
