"""`python3 run.py benchmark NAME [arguments]`: every other module here with a `main` is a name."""

import importlib
import os
import sys
from pathlib import Path

NAMES = sorted(
    path.stem
    for path in Path(__file__).parent.glob("*.py")
    if "def main()" in path.read_text(encoding="utf-8") and not path.stem.startswith("__")
)

if len(sys.argv) < 2 or sys.argv[1] not in NAMES:
    sys.exit(f"run.py benchmark takes one of: {', '.join(NAMES)}")
name = sys.argv.pop(1)
# Modules stay compiled, as Python keeps them unless it is told not to: otherwise every process that
# is measured compiles its libraries again, 1.5 s of pandas alone.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.exit(importlib.import_module(f"benchmarks.{name}").main())
