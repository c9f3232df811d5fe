"""Say at once if this engine cannot render the template: Copier must be beside it."""

import importlib.util
import sys

if importlib.util.find_spec("copier") is None:
    sys.exit("This template is rendered by Copier; install it beside this program: copier>=9.18")
