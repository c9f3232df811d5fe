"""Programs that a test needs and that no package of the lock brings."""

import os
import shutil

import pytest


def needed(program: str, package: str) -> str:
    """The path of a program; without it a test is skipped on a desk and fails in CI."""
    found = shutil.which(program)
    if found is None and os.environ.get("CI", "").lower() in ("true", "1"):
        pytest.fail(f"{program} is not installed; in CI this must be tested ({package})")
    if found is None:
        pytest.skip(f"{program} is not installed (Debian package: {package})")
    return found
