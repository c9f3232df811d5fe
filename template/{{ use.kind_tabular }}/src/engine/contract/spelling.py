"""What of contract.toml is no entry that a contract has: the place, the value, what it may be."""

import difflib
from collections.abc import Iterator, Mapping
from typing import Any, Literal, get_args, get_origin

import msgspec

MOST = 12  # allowed names that are listed


def faults(given: Any, kind: Any, where: str = "") -> Iterator[str]:
    """One sentence for each entry of a parsed document that its struct does not take."""
    if not isinstance(given, Mapping):
        yield f"[{where}] is {given!r}; it must be a table of entries"
        return
    fields = {field.name: field for field in msgspec.structs.fields(kind)}
    place = f"[{where}]" if where else "the contract"
    for name in given.keys() - fields.keys():
        yield f"{place} has {name!r}, which is no entry of it{_instead(name, [*fields])}"
    for name, field in fields.items():
        if name not in given:
            if field.required:
                yield f"{place} has no {name!r}, which it needs"
        elif parts := _parts(field.type):
            yield from _inside(given[name], parts, f"{where}.{name}" if where else name)
        elif why := _refused(given[name], field.type):
            yield f"{place} has {name} = {given[name]!r}{why}"


def _inside(given: Any, parts: tuple[bool, Any], where: str) -> Iterator[str]:
    """The entries of a table, or of every table in a table of tables."""
    are_many, kind = parts
    if not are_many or not isinstance(given, Mapping):
        yield from faults(given, kind, where)
        return
    for name, entry in given.items():
        yield from faults(entry, kind, f"{where}.{name!r}")


def _parts(kind: Any) -> tuple[bool, Any] | None:
    """Whether tables stand under names of their own, and their struct; None for a value."""
    if get_origin(kind) is dict:
        kind = get_args(kind)[1]
        return (True, kind) if _is_struct(kind) else None
    return (False, kind) if _is_struct(kind) else None


def _is_struct(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, msgspec.Struct)


def _refused(value: Any, kind: Any) -> str:
    """Why a value does not fit; empty when it does."""
    try:
        msgspec.convert(value, kind)
    except msgspec.ValidationError as error:
        allowed = [arg for part in (kind, *get_args(kind)) for arg in _literals(part)]
        return _instead(value, allowed) if allowed else f": {str(error)[0].lower()}{str(error)[1:]}"
    return ""


def _literals(kind: Any) -> tuple[Any, ...]:
    return get_args(kind) if get_origin(kind) is Literal else ()


def _instead(given: Any, allowed: list[Any]) -> str:
    """The nearest of the allowed names, and the allowed ones themselves."""
    names = [str(name) for name in allowed]
    near = difflib.get_close_matches(str(given), names, 1)
    listed = ", ".join(map(repr, names[:MOST])) + (", ..." if len(names) > MOST else "")
    if near:
        return f": did you mean {near[0]!r}? It must be one of {listed}"
    return f"; it must be one of {listed}"
