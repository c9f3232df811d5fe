"""Passages as ranges of a text: cut where the text pauses, as long as allowed, overlapping.

Recursive splitting as the field does it (LangChain's RecursiveCharacterTextSplitter has the same
order of pauses), but with exact offsets: a passage is always `text[start:end]`.
"""

from collections.abc import Iterator

PAUSES = ("\n# ", "\n## ", "\n### ", "\n\n", "\n", ". ", "? ", "! ", "; ", ", ", " ")
Span = tuple[int, int]


def spans(text: str, size: int, overlap: int) -> list[Span]:
    """Ranges of at most `size` characters that leave out nothing but white space.

    Two neighbours share up to `overlap` characters, cut at a pause.
    """
    pieces = [*_pieces(text, 0, len(text), size, PAUSES)]
    found, first = list[Span](), 0
    for number, (_, end) in enumerate(pieces):
        following = pieces[number + 1][1] if number + 1 < len(pieces) else None
        start = pieces[first][0]
        if following is not None and following - start <= size:
            continue
        found.append((start, end))
        if following is None:
            break
        first = number + 1
        while (
            first > 0
            and end - pieces[first - 1][0] <= overlap
            and following - pieces[first - 1][0] <= size
        ):
            first -= 1
    trimmed = [_trimmed(text, *span) for span in found]
    return [span for span in trimmed if span[0] < span[1]]


def _pieces(text: str, start: int, end: int, size: int, pauses: tuple[str, ...]) -> Iterator[Span]:
    """Consecutive ranges of at most `size` characters, cut at the strongest pause there is."""
    if end - start <= size:
        yield start, end
        return
    if not pauses:
        yield from ((at, min(at + size, end)) for at in range(start, end, size))
        return
    mark, at = pauses[0], start
    while at < end:
        found = text.find(mark, at + 1, end)
        # a heading begins the next piece, other pauses end the one before
        cut = end if found < 0 else found + (1 if "#" in mark else len(mark))
        yield from _pieces(text, at, cut, size, pauses[1:])
        at = cut


def _trimmed(text: str, start: int, end: int) -> Span:
    while start < end and text[start].isspace():
        start += 1
    while end > start and text[end - 1].isspace():
        end -= 1
    return start, end
