"""A file of `src/app`, held against what the engine takes from it."""

import importlib
import inspect
from functools import cache
from typing import Any

from engine.core.errors import AppError


@cache
def taken(name: str, promised: type[Any]) -> Any:
    """The file `src/app/<name>.py`, with everything its Protocol asks for.

    Raises AppError naming the file and what is missing or has other arguments.
    """
    try:
        module = importlib.import_module(f"app.{name}")
    except ModuleNotFoundError as error:
        if error.name != f"app.{name}":
            raise
        raise AppError(f"src/app/{name}.py is missing; {_asked(promised)}") from None
    for attribute in promised.__annotations__:
        if not hasattr(module, attribute):
            raise AppError(f"src/app/{name}.py sets no {attribute}; {_asked(promised)}")
    for function, wanted in _functions(promised).items():
        given = getattr(module, function, None)
        if not callable(given):
            raise AppError(f"src/app/{name}.py has no {function}; {_asked(promised)}")
        arguments = [p for p in inspect.signature(wanted).parameters.values() if p.name != "self"]
        try:
            inspect.signature(given).bind(*arguments)
        except TypeError:
            raise AppError(
                f"src/app/{name}.py has {function}{inspect.signature(given)}, "
                f"which cannot be called as the engine does; {_asked(promised)}"
            ) from None
    return module


def _functions(promised: type[Any]) -> dict[str, Any]:
    return {n: f for n, f in vars(promised).items() if inspect.isfunction(f) and n[0] != "_"}


def _asked(promised: type[Any]) -> str:
    """What the engine takes from a file, in words."""
    functions = [
        f"{function}({', '.join(p for p in inspect.signature(f).parameters if p != 'self')})"
        for function, f in _functions(promised).items()
    ]
    names = ", ".join([*promised.__annotations__, *functions])
    return f"the engine takes {names} from it (see src/engine/contract/app.py)"
