"""The verb `notebook`: JupyterLab on notebooks/explore.ipynb, with what the engine offers.

    python3 run.py notebook             open it in a browser; Ctrl-C ends it
    python3 run.py notebook --run       run all its cells without a page, and write nothing
    python3 run.py notebook --clear     take the outputs out, before a commit: they hold rows

Another notebook is named at the end. Nothing is asked of the network.
"""

import argparse
import importlib
import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from engine.core.errors import DataError, ProjectError, shown

FOLDER = Path("notebooks")
QUIET = (  # JupyterLab asks its makers for news and for newer versions of itself
    "--LabApp.news_url=",
    "--LabApp.check_for_updates_class=jupyterlab.handlers.announcements.NeverCheckForUpdate",
    "--LabApp.extension_manager=readonly",
)


def main(argv: list[str]) -> int:
    """Open a notebook, run it, or clear it."""
    parser = argparse.ArgumentParser(
        prog="run.py notebook",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    kind = parser.add_mutually_exclusive_group()
    kind.add_argument("--run", action="store_true", help="run all its cells, and write nothing")
    kind.add_argument("--clear", action="store_true", help="take the outputs out of every notebook")
    parser.add_argument("file", nargs="?", type=Path, default=FOLDER / "explore.ipynb")
    options, more = parser.parse_known_args(argv)
    if options.clear:
        return clear()
    if not options.file.is_file():
        raise DataError(f"{options.file} is not there; see {FOLDER}/")
    if options.run:
        return run(options.file)
    lab = [sys.executable, "-m", "jupyterlab", "--notebook-dir=.", *QUIET, *more]
    return subprocess.run([*lab, str(options.file)]).returncode


def run(file: Path) -> int:
    """Run every cell in the folder of the notebook; ProjectError names the cell that fails."""
    nbformat: Any = importlib.import_module("nbformat")  # not there where types are checked
    nbclient: Any = importlib.import_module("nbclient")
    notebook = nbformat.read(file, as_version=4)
    began = time.monotonic()
    place = {"metadata": {"path": str(file.parent)}}
    client = nbclient.NotebookClient(notebook, timeout=None, resources=place)
    try:
        client.execute()
    except nbclient.exceptions.CellExecutionError as error:
        number = sum(bool(cell.get("execution_count")) for cell in notebook.cells)
        raise ProjectError(f"{file}, code cell {number}: {error.ename}: {error.evalue}") from None
    except RuntimeError as error:
        raise ProjectError(f"{file} was not run: {error}") from None
    cells = sum(cell.cell_type == "code" for cell in notebook.cells)
    print(f"{file}: {cells} code cells ran in {time.monotonic() - began:.0f} s")
    return 0


def clear() -> int:
    """Take outputs and counts out of every notebook, and say of which."""
    for file in sorted(FOLDER.glob("**/*.ipynb")):
        if ".ipynb_checkpoints" in file.parts:
            continue
        notebook = json.loads(file.read_text(encoding="utf-8"))
        for cell in notebook["cells"]:
            if cell["cell_type"] == "code":
                cell |= {"outputs": [], "execution_count": None}
        text = json.dumps(notebook, indent=1, ensure_ascii=False) + "\n"
        if text != file.read_text(encoding="utf-8"):
            file.write_text(text, encoding="utf-8", newline="\n")
            print(f"{file}: cleared")
    return 0


if __name__ == "__main__":
    sys.exit(shown("notebook", lambda: main(sys.argv[1:])))
