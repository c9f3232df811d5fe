#!/usr/bin/env python3
"""The template's own commands: python3 run.py --help."""

import os
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
WRAPPER = HERE / "template" / "run.py"  # what every rendered repository receives, standing here

if not (3, 11) <= sys.version_info[:2] <= (3, 13):
    running = ".".join(map(str, sys.version_info[:2]))
    sys.exit(f"run.py: this needs Python 3.11, 3.12 or 3.13, not {running}. Try: python3.11 run.py")
os.environ["CALLED_FROM"] = str(Path.cwd())  # the wrapper works in the repository
exec(compile(WRAPPER.read_text("utf-8"), str(WRAPPER), "exec"))
