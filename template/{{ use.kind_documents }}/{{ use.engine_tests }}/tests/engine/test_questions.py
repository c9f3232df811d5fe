"""What a caller of answers over documents may send."""

import pytest

from engine.core.errors import RequestError
from engine.serving.questions import request


@pytest.mark.parametrize(
    "body",
    [
        b'{"id": "a", "id": "b", "helpful": true}',
        b'{"id": "a", "helpful": true, "helpful": false}',
        b'{"id": "a", "helpful": true, "comment": "", "comm\\u0065nt": "x"}',
    ],
)
def test_a_vote_with_a_key_given_twice_is_refused(body: bytes) -> None:
    with pytest.raises(RequestError, match="given twice") as caught:
        request.feedback(body)

    assert caught.value.malformed


def test_a_question_given_twice_is_refused() -> None:
    with pytest.raises(RequestError, match="'question' is given twice"):
        request.question(b'{"question": "Why?", "question": "How?"}', 100)


def test_what_is_given_once_is_taken() -> None:
    assert request.question(b'{"question": " Why? "}', 100) == "Why?"
    assert request.feedback(b'{"id": "a", "helpful": true}') == {"id": "a", "helpful": True}
