"""What is looked for in a question and in its answer, and what the contract does about it.

Known forms are found (corpus/screen.py); whoever rephrases them is not. They are no defence: that
is that a question is data to the prompt, that the model has no tools, and that its answer must
quote the passages. They show who tries, and what would leave the house.
"""

from typing import Any

from engine.contract.schema import Guard
from engine.corpus.screen import blotted, personal, speaks_to_a_model

Json = dict[str, Any]
WORDS = "words to a model"
REFUSED = "the question wants to steer a language model"
READ = ("title", "heading", "quote", "before", "after")  # of a citation, what a person reads


def question(text: str, guard: Guard) -> tuple[list[str], str]:
    """What was found in a question, and why it is refused; empty where it is not."""
    if not speaks_to_a_model(text):
        return [], ""
    return [WORDS], REFUSED if guard.injection == "refuse" else ""


def answer(made: Json, guard: Guard) -> tuple[Json, list[str]]:
    """An answer as it may be given, and the kinds of personal data that were in it.

    The parts around a quote count: they are shown with it.
    """
    texts = [made["answer"] or "", *(c[name] for c in made["citations"] for name in READ)]
    kinds = sorted({kind for text in texts for _, _, kind in personal(text)})
    if not kinds or guard.personal_data == "leave":
        return made, kinds
    if guard.personal_data == "refuse":
        reason = f"the answer would hold personal data ({', '.join(kinds)})"
        return made | {"answer": None, "refused": True, "reason": reason, "citations": []}, kinds
    clean = [c | {name: blotted(c[name]) for name in READ} for c in made["citations"]]
    said = None if made["answer"] is None else blotted(made["answer"])
    return made | {"answer": said, "citations": clean}, kinds


def place(found: Json, guard: Guard) -> Json:
    """A place that was found, as it may be told."""
    if guard.personal_data == "leave":
        return found
    return {name: blotted(text) for name, text in found.items()}
