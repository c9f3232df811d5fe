"""The command line: `python -m <package> VERB`; `run.py` is the way to it that needs no setup."""

import importlib
import importlib.util
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
    if not module.isidentifier() or not importlib.util.find_spec(f".{module}", __package__):
        print(f"unknown verb {verb!r}; python run.py --help lists them", file=sys.stderr)
        return 2
    try:
        command = importlib.import_module(f".{module}", __package__)
        return int(command.main(argv))
    except ProjectError as error:
        print(f"{verb}: {error}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
