"""Markdown as a page: as much of it as the engine's reports are written in, the rest as text.

Headings, paragraphs, lists, tables, fenced code, code spans, strong words, escapes and entities, as
CommonMark 0.31 and the tables of GitHub have them. No HTML and no link: nothing becomes markup that
is not made here.
"""

import re
from collections.abc import Callable, Iterator
from html import unescape

from engine.serving.http.pages.markup import Markup, joined, tag

HEADING = re.compile(r"(#{1,5}) (.*)")
RULER = re.compile(r"\|(?: *:?-+:? *\|)+")  # below the head of a table
BLOCK = re.compile(r"#{1,5} |- |\||```")  # how a block starts that ends a paragraph
PIPE = re.compile(r"(?<!\\)\|")
INLINE = re.compile(
    r"(?P<fence>`+)(?P<code>.+?)(?<!`)(?P=fence)(?!`)"
    r"|\*\*(?P<strong>(?:\\.|`[^`]+`|[^\\*`])+)\*\*"
    r"|\\(?P<escaped>[!-/:-@\[-`{-~])"
    r"|(?P<entity>&\w+;|&#\w+;)"
)


def blocks(text: str) -> Iterator[Markup]:
    """The elements of a document one after the other; a heading is one level lower than it says."""
    lines, place, heading, tables = text.splitlines(), 0, "", 0
    while place < len(lines):
        start, line = place, lines[place]
        place += 1
        if found := HEADING.fullmatch(line):
            heading, tables = found[2], 0
            yield tag(f"h{len(found[1]) + 1}", inline(found[2]))
        elif line.startswith("```"):
            place = _until(lines, place, lambda each: each.startswith("```")) + 1
            yield tag("pre", tag("code", "\n".join(lines[start + 1 : place - 1])), tabindex="0")
        elif line.startswith("|") and place < len(lines) and RULER.fullmatch(lines[place]):
            place = _until(lines, place, lambda each: not each.startswith("|"))
            tables += 1
            name = f"{heading}, table {tables}" if tables > 1 else heading
            yield _table(name, lines[start:place])
        elif line.startswith("- "):
            place = _until(lines, place, lambda each: not each.startswith(("- ", "  ")))
            items = "\n".join(lines[start:place])[2:].split("\n- ")
            yield tag("ul", *(tag("li", inline(" ".join(item.split()))) for item in items))
        elif line.strip():
            place = _until(lines, place, lambda each: not each.strip() or bool(BLOCK.match(each)))
            yield tag("p", inline("\n".join(lines[start:place])))


def inline(text: str) -> Markup:
    """A line or several: code, strong words, escapes and entities; everything else as it stands."""
    pieces, end = list[str | Markup](), 0
    for found in INLINE.finditer(text):
        pieces.append(text[end : found.start()])
        pieces.append(_piece(found))
        end = found.end()
    return joined(*pieces, text[end:])


def _piece(found: re.Match[str]) -> str | Markup:
    if (code := found["code"]) is not None:
        is_padded = code[0] == code[-1] == " " and code.strip()
        return tag("code", code[1:-1] if is_padded else code)
    if found["strong"]:
        return tag("strong", inline(found["strong"]))
    return found["escaped"] or unescape(found["entity"])


def _table(name: str, lines: list[str]) -> Markup:
    """A table that scrolls by itself where the screen is narrow; numbers stand at the right."""
    head, ruler, *rows = [[cell.strip() for cell in PIPE.split(line)[1:-1]] for line in lines]
    kinds = [{"class_": "number"} if rule.endswith(":") else {} for rule in ruler]

    def cells(kind: str, row: list[str], **more: str) -> Markup:
        pairs = zip(row, kinds, strict=False)
        return tag("tr", *(tag(kind, inline(cell), **of, **more) for cell, of in pairs))

    top = tag("thead", cells("th", head, scope="col"))
    whole = tag("table", top, tag("tbody", *(cells("td", row) for row in rows)))
    return tag("div", whole, class_="wide", tabindex="0", role="region", aria_label=name)


def _until(lines: list[str], place: int, ends: Callable[[str], bool]) -> int:
    """The first place from here on whose line ends the block, or the end of all lines."""
    return next((at for at in range(place, len(lines)) if ends(lines[at])), len(lines))
