"""Requests and answers as JSON schemas."""

from engine.serving.openapi import closed
from engine.serving.protocol import Json
from engine.serving.questions.request import COMMENT


def _text(description: str = "", **more: object) -> Json:
    return {"type": "string", **({"description": description} if description else {}), **more}


def _maybe(schema: Json) -> Json:
    return {"anyOf": [schema, {"type": "null"}]}


def schemas(longest: int) -> dict[str, Json]:
    """The schemas that PATHS names, but for the answer to feedback; `longest` is a question's."""
    place = {"type": "integer", "minimum": 0}
    citation = closed(
        {
            "document": _text("The name of the document"),
            "title": _text(),
            "heading": _text("The heading above the passage"),
            "start": {**place, "description": "Where the quote begins in the document's text"},
            "end": place,
            "quote": _text("It stands word for word in the document"),
            "before": _text("The passage before the quote"),
            "after": _text("The passage after the quote"),
            "url": _text("Where a person can open the document"),
        },
        optional=frozenset({"url"}),
    )
    count = _maybe({"type": "integer"})
    cost = closed({"amount": {"type": "number"}, "currency": _text(), "priced": _text("The day")})
    answer = closed(
        {
            "id": _text("For feedback"),
            "answer": _maybe(_text()),
            "refused": {"type": "boolean"},
            "reason": _maybe(_text("Why it was refused")),
            "method": _text("`extractive`: a sentence of the documents; else the language model"),
            "citations": {"type": "array", "items": citation},
            "fallback": {
                "type": "boolean",
                "description": "Whether a model that should have helped did not",
            },
            "fallback_reason": _text(),
            "cached": {
                "type": "boolean",
                "description": "True where a language model said it for an earlier question",
            },
            "guard": {
                "type": "array",
                "items": {"type": "string"},
                "description": "What was found in question and answer: words to a model, or kinds "
                "of personal data",
            },
            "search": {"type": "object", "description": "How sure the search is"},
            "usage": closed({"prompt_tokens": count, "completion_tokens": count}),
            "cost": _maybe(cost),
            "index_version": {"type": "integer"},
            "run_id": _text(),
        },
        optional=frozenset({"fallback_reason", "cached", "guard", "usage", "cost"}),
    )
    ask = closed({"question": _text(minLength=1, maxLength=longest)})
    feedback = closed(
        {
            "id": _text("That of the answer", minLength=1, maxLength=64),
            "helpful": {"type": "boolean"},
            "comment": _text(minLength=0, maxLength=COMMENT),
        },
        optional=frozenset({"comment"}),
    )
    return {"AskRequest": ask, "AskResponse": answer, "FeedbackRequest": feedback}
