"""S3, as fsspec opens it: what it is told, what it may log, and whose errors are its own."""

import logging
from typing import Any

SCHEME = "s3"
OPTIONS: dict[str, Any] = {  # s3fs repeats by itself; twice over takes minutes
    "config_kwargs": {"connect_timeout": 5, "retries": {"total_max_attempts": 1}}
}
ERRORS = ("aiohttp", "botocore")

for _chatty in ("aiobotocore", "botocore"):
    logging.getLogger(_chatty).setLevel(logging.WARNING)
