"""The command of `python3 run.py new`."""

import sys

from extensions.new.command import main

sys.exit(main(sys.argv[1:]))
