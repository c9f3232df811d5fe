"""A document as text with its headings; every citation is a range of that text."""

from typing import NamedTuple


class Document(NamedTuple):
    """What was read of a source."""

    name: str
    title: str
    text: str
    headings: tuple[tuple[int, str], ...]
    """Where each section of the text begins, and what it is called."""
    digest: str
    """The SHA-256 of the bytes it was read from."""
    changed: str = ""
    url: str = ""

    def heading(self, place: int) -> str:
        """The heading above a place of the text; the title where there is none."""
        found = self.title
        for start, name in self.headings:
            if start > place:
                break
            found = name
        return found


class Unread(NamedTuple):
    """A source that could not be read, and why."""

    name: str
    reason: str


class Warned(NamedTuple):
    """Something in a document that a person should look at."""

    name: str
    what: str
    """Which rule it met: a kind of personal data, or a sentence that speaks to a model."""
    times: int
    example: str
    """Where, with what is personal blotted out."""
