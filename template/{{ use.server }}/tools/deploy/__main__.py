"""The verb `deploy`.

    python3 run.py deploy --check                 look at every file under deploy/; needs no network
    python3 run.py deploy --dry-run               show the commands, run none
    python3 run.py deploy prod --image NAME:TAG   check, then run them, one after the other

Every command is the platform's own and is shown before it runs. It ends with code 1 at the first
fault or failure; what came before stays as it is.
"""

import argparse
import os
import shutil
import subprocess
import sys
from collections.abc import Iterable, Iterator
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from typing import Any

from engine.core.errors import ProjectError, SettingsError, shown
from engine.core.settings import load_settings

from . import ROOT, Check, Step, target


def main(argv: list[str]) -> int:
    """Check, and deploy unless only the check or the commands are wanted."""
    options = _options(argv)
    faults = look(checks())
    if faults:
        raise ProjectError(f"{_count(faults, 'fault')} under deploy/; nothing was deployed")
    missing = {name: way for name, way in target.PROGRAMS.items() if not shutil.which(name)}
    for name, way in missing.items():
        print(f"missing  {name}: not on the PATH of this machine ({way})")
    if options.check:
        return 0
    steps = target.steps(options.stage, options.image)
    if options.dry_run:
        for step in steps:
            print(f"\n# {step.what}\n{step}")
        return 0
    if missing:
        names = ", ".join(missing)
        raise ProjectError(f"{target.NAME} needs {names}; nothing was deployed")
    for step in steps:
        run(step)
    return 0


def checks() -> list[Check]:
    """The checks of the platform, and those of what runs beside the server, if anything does."""
    found = target.checks()
    for each in iter_modules([str(Path(__file__).parent / "beside")]):
        module: Any = import_module(f"tools.deploy.beside.{each.name}")
        found += module.checks() if hasattr(module, "checks") else []
    return found


def look(checks: Iterable[Check]) -> list[str]:
    """Make every check, print what each found, and give all faults."""
    found = []
    for check in checks:
        faults = list(_seen(check))
        print(f"{'FAULT' if faults else 'ok':<8} {check.what}", flush=True)
        for fault in faults:
            print(f"         - {fault}")
        found += faults
    return found


def _seen(check: Check) -> Iterator[str]:
    """What a check finds; what it cannot read is a fault as well."""
    try:
        yield from check.look()
    except (ProjectError, ValueError) as error:
        yield str(error)


def run(step: Step) -> None:
    """Show a command and run it.

    Raises ProjectError when it fails.
    """
    print(f"\n# {step.what}\n$ {step}", flush=True)
    told = {**os.environ, **step.environment}
    code = subprocess.run(step.command, cwd=ROOT, env=told, check=False).returncode
    if code:
        raise ProjectError(f"{step.command[0]} ended with code {code}; no later step was run")


def _options(argv: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="run.py deploy",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    stages = ", ".join(target.STAGES)
    parser.add_argument("stage", nargs="?", default=target.STAGES[0], help=f"one of: {stages}")
    parser.add_argument("--check", action="store_true", help="only look at the files")
    parser.add_argument("--dry-run", action="store_true", help="only show the commands")
    parser.add_argument("--image", help="the image, where it is pushed: registry/name:tag")
    options = parser.parse_args(argv)
    if options.stage not in target.STAGES:
        raise SettingsError(f"there is no stage {options.stage!r}; there are: {stages}")
    options.image = options.image or f"{load_settings().name}:latest"
    return options


def _count(found: list[str], word: str) -> str:
    return f"{len(found)} {word}{'s' if len(found) != 1 else ''}"


if __name__ == "__main__":
    sys.exit(shown("deploy", lambda: main(sys.argv[1:])))
