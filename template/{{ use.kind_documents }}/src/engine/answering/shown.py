"""An answer as a person reads it in a terminal."""

from typing import Any

from engine.answering.answerer import BASELINE


def lines(answer: dict[str, Any]) -> list[str]:
    """What was answered, what it rests on, and by which means."""
    found = [f"no answer: {answer['reason']}" if answer["refused"] else answer["answer"]]
    for number, citation in enumerate(answer["citations"], 1):
        heading = citation["heading"]
        above = f", {heading}" if heading != citation["title"] else ""
        place = f"{citation['document']}, characters {citation['start']} to {citation['end']}"
        found.append(f"  [{number}] {citation['title']}{above} ({place})")
        found.append(f'      "{" ".join(citation["quote"].split())}"')
    said = answer["method"]
    if said == BASELINE:
        said = "extractive: a sentence of the documents, no language model"
    if answer["fallback"]:
        said += f"; fallback, because of {answer.get('fallback_reason', 'a failure')}"
    if answer.get("cached"):
        said += ", said to an earlier question"
    if answer.get("guard"):
        said += f"; found: {', '.join(answer['guard'])}"
    return [*found, f"  ({said})"]
