"""`python3 run.py benchmark NAME [arguments]`: every other module here with a `main` is a name."""

import importlib
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
sys.exit(importlib.import_module(f"benchmarks.{name}").main())
