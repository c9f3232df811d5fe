"""Write the bills of materials (CycloneDX): one for each lock, with hashes and licences.

sbom.json for the project, sbom-serve.json for its image, sbom-FOLDER.json for a folder with a lock
of its own. Licences are what the installed packages declare; what is not installed here, such as
a package for another system, has none, and is named.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from .groups import normal
from .lock import folders

CALL = [sys.executable, "-m", "cyclonedx_py"]
Licences = dict[tuple[str, str], list[Any]]  # name and version -> as CycloneDX writes them


def main(argv: list[str]) -> int:
    """Write each bill into the project's folder."""
    argparse.ArgumentParser(prog="run.py sbom", description=__doc__).parse_args(argv)
    for file, lock in bills().items():
        call = [*CALL, "requirements", "--output-reproducible", "--output-file", file, str(lock)]
        if code := subprocess.run(call).returncode:
            return code
        without = license_components(Path(file), licences(lock.parent))
        unknown = f"; no licence is known of {', '.join(without)}" if without else ""
        print(f"{file}: the packages of {lock.as_posix()}{unknown}")
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


def licences(folder: Path) -> Licences:
    """What the packages declare that are installed for this folder; nothing where none are."""
    environment = folder / ".venv" if folder != Path() else Path(sys.prefix)
    if not environment.is_dir():
        return {}
    call = [*CALL, "environment", "--no-validate", str(environment)]
    done = subprocess.run(call, capture_output=True, text=True, encoding="utf-8", check=True)
    return {
        key(component): component["licenses"]
        for component in json.loads(done.stdout)["components"]
        if "licenses" in component
    }


def license_components(file: Path, known: Licences) -> list[str]:
    """Write the licences into a bill; the names of the packages that it knows none of."""
    bill = json.loads(file.read_text(encoding="utf-8"))
    for component in bill["components"]:
        if found := known.get(key(component)):
            component["licenses"] = found
    text = json.dumps(bill, indent=2, sort_keys=True, ensure_ascii=False)
    file.write_text(text + "\n", encoding="utf-8", newline="\n")
    return [component["name"] for component in bill["components"] if "licenses" not in component]


def key(component: dict[str, Any]) -> tuple[str, str]:
    """A package, however its name is spelled."""
    return normal(component["name"]), component["version"]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
