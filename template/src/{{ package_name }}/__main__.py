"""The command line: `python -m <package> VERB`; `run.py` is the way to it that needs no setup."""

import importlib
import importlib.util
import os
import sys

from .errors import ProjectError

# A verb that is not listed is the module of the same name.
MODULES = {
    "contract": "contract_command",
    "data": "data_report",
    "promote": "registry",
    "rollback": "registry",
    "history": "registry",
}


def main(argv: list[str]) -> int:
    """Run a verb; a mistake of the user ends as one message, not as a traceback."""
    verb = argv[0] if argv else "--help"
    module = MODULES.get(verb, verb.replace("-", "_"))
    try:
        if not module.isidentifier() or not importlib.util.find_spec(f".{module}", __package__):
            raise ProjectError("there is no such verb; python run.py --help lists them")
        return int(importlib.import_module(f".{module}", __package__).main(argv))
    except ProjectError as error:
        print(f"{verb}: {error}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:  # whoever reads has seen enough, as `head` does
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
