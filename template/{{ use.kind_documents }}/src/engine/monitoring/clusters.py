"""Refused questions that ask for the same thing, by the words they share."""

from collections.abc import Sequence

from engine.retrieval.words import Stemmer

ALIKE = 0.5  # of their stems two questions share (Jaccard)
MOST = 5000  # questions that are looked at


def clusters(questions: Sequence[str]) -> list[tuple[int, str]]:
    """How many questions are alike, and one of them; the largest cluster first."""
    stemmer = Stemmer()
    found: list[tuple[frozenset[str], list[str]]] = []
    for question in questions[-MOST:]:
        stems = frozenset(stemmer.stems(question))
        if not stems:
            continue
        for known, members in found:
            if len(known & stems) >= ALIKE * len(known | stems):
                members.append(question)
                break
        else:
            found.append((stems, [question]))
    sized = [(len(members), members[0]) for _, members in found]
    return sorted(sized, key=lambda each: (-each[0], each[1]))
