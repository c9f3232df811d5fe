"""The command line: `python -m engine VERB`; `run.py` is the way to it that needs no setup."""

import importlib
import importlib.util
import sys

from engine.core.errors import ProjectError, shown

# A verb that is not listed is the module of the same name in engine/commands.
TOGETHER = {
    "promote": "registry",
    "rollback": "registry",
    "history": "registry",
    "track": "registry.track",
    "reproduce": "evaluate",
}


def main(argv: list[str]) -> int:
    """Run a verb; a mistake of the user ends as one message, not as a traceback."""
    verb = argv[0] if argv else "--help"

    def run() -> int:
        module = TOGETHER.get(verb, verb.replace("-", "_"))
        name = f"engine.commands.{module}"
        named = verb in TOGETHER or module.isidentifier()
        if not named or not importlib.util.find_spec(name):
            raise ProjectError("there is no such verb; python3 run.py --help lists them")
        return int(importlib.import_module(name).main(argv))

    return shown(verb, run)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
