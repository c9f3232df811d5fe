"""Requests: a question, or what somebody thinks of an answer; whatever is wrong is named."""

import json
from collections.abc import Set
from typing import Any

import msgspec

from engine.core.errors import Problem, RequestError
from engine.serving.protocol import Json

COMMENT = 1000
SHOWN = 80  # characters of a value that a message repeats


def question(body: bytes, longest: int) -> str:
    """The question of a body `{"question": "..."}`, of at most so many characters.

    Raises RequestError with one problem per fault.
    """
    found = _object(body, "question", {"question"})
    text = found["question"]
    if not isinstance(text, str):
        raise _wrong("question", "a text", text)
    text = text.strip()
    if not 1 <= len(text) <= longest:
        detail = f"'question' has {len(text)} characters; it must have 1 to {longest}"
        raise RequestError([Problem(f"1 to {longest} characters", detail, column="question")])
    if not any(character.isalnum() for character in text):
        raise _wrong("question", "a text with words", text)
    return text


def feedback(body: bytes) -> Json:
    """What somebody thinks: `{"id": "...", "helpful": true, "comment": "..."}`.

    Raises RequestError with one problem per fault.
    """
    found = _object(body, "id and helpful", {"id", "helpful"}, {"comment"})
    if not isinstance(found["id"], str) or not 1 <= len(found["id"]) <= 64:
        raise _wrong("id", "the id of an answer", found["id"])
    if not isinstance(found["helpful"], bool):
        raise _wrong("helpful", "true or false", found["helpful"])
    comment = found.get("comment", "")
    if not isinstance(comment, str) or len(comment) > COMMENT:
        raise _wrong("comment", f"a text of at most {COMMENT} characters", comment)
    return found


def _object(body: bytes, asked: str, needed: Set[str], optional: Set[str] = frozenset()) -> Json:
    try:
        found: Any = msgspec.json.decode(body)
        msgspec.json.encode(found)  # finds broken characters
        json.loads(body, object_pairs_hook=_require_unique)
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        detail = f"the body is not JSON: {error}"
        raise RequestError([Problem("JSON", detail)], malformed=True) from None
    if not isinstance(found, dict):
        raise RequestError([Problem("shape", f"the body must be an object with {asked}")])
    problems = [
        Problem("required", f"{name!r} is missing", column=name)
        for name in sorted(needed - found.keys())
    ]
    problems += [
        Problem(
            "unknown field", f"{name[:SHOWN]!r} is not a field of the body", column=name[:SHOWN]
        )
        for name in sorted(found.keys() - needed - optional)
    ]
    if problems:
        raise RequestError(problems[:20])
    return found


def _require_unique(pairs: list[tuple[str, Any]]) -> None:
    """Refuse a key that is given twice, of which msgspec takes the last one silently."""
    names = [name for name, _ in pairs]
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)[:SHOWN]
        detail = f"the key {twice!r} is given twice in one object"
        raise RequestError([Problem("duplicate key", detail, column=twice)], malformed=True)


def _wrong(name: str, rule: str, value: Any) -> RequestError:
    shown = value if isinstance(value, bool | int | float) else str(value)[:SHOWN]
    return RequestError([Problem(rule, f"{name!r} must be {rule}", column=name, value=shown)])
