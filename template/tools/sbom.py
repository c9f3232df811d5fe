"""Write the bills of materials (CycloneDX): one for each lock.

sbom.json for the project, sbom-serve.json for its image, sbom-FOLDER.json for a folder with a lock
of its own.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path

from .lock import folders

CALL = ["cyclonedx_py", "requirements", "--output-reproducible"]


def main(argv: list[str]) -> int:
    """Write each bill into the project's folder."""
    argparse.ArgumentParser(prog="run.py sbom", description=__doc__).parse_args(argv)
    for bill, lock in bills().items():
        call = [sys.executable, "-m", *CALL, "--output-file", bill, str(lock)]
        if code := subprocess.run(call).returncode:
            return code
        print(f"{bill}: the packages of {lock.as_posix()}")
    return 0


def bills(root: Path = Path()) -> dict[str, Path]:
    """The bill that each lock is written to."""
    found = {}
    for folder in folders(root):
        for lock in sorted(folder.glob("requirements*.lock")):
            part = lock.stem.removeprefix("requirements")  # "-serve" for the image
            where = "".join(f"-{name}" for name in folder.relative_to(root).parts)
            found[f"sbom{where}{part}.json"] = lock
    return found


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
