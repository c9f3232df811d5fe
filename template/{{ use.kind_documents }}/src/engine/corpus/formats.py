"""From bytes to text, by what the name ends in; headings are those of Markdown, `## Prices`.

Raises Unreadable with the reason, for a person; a parser's own errors never get out.
"""

import io
import logging
import re
import zipfile
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import PurePosixPath
from typing import NamedTuple
from xml.etree import ElementTree

MOST_UNPACKED = 200_000_000  # bytes of a DOCX's text; more is a bomb, not a document
WORD = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
MARK = re.compile(r"(?m)^(#{1,6})[ \t]+(.+?)[ \t]*#*$")
FENCE = re.compile(r"(?ms)^(```|~~~).*?^\1[ \t]*$")
HIDDEN = {"script", "style", "template", "noscript", "nav", "head", "svg"}
BLOCKS = {"p", "div", "section", "article", "li", "ul", "ol", "table", "tr", "br", "hr", "pre"}
BLOCKS |= {"blockquote", "dt", "dd", "header", "footer", "main", "aside", "figure"}
DOCX_HEADING = re.compile(r"(?i)(?:heading|title)\D*(\d)?")
HEADS = {f"h{level}" for level in range(1, 7)}


class Unreadable(Exception):  # noqa: N818 - it becomes a line of the report
    """A source that holds no text we can read."""


class Read(NamedTuple):
    """The text of a source, its title, and where its sections begin."""

    title: str
    text: str
    headings: tuple[tuple[int, str], ...]


def read(name: str, content: bytes) -> Read:
    """The text of a source.

    Raises Unreadable where there is none.
    """
    ending = PurePosixPath(name).suffix.lower()
    found = READERS[ending](content)
    if not found.text.strip():
        what = "it holds pictures only; recognize its text first" if ending == ".pdf" else "no text"
        raise Unreadable(what)
    return found._replace(title=found.title.strip() or PurePosixPath(name).stem)


def _text(content: bytes) -> str:
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise Unreadable(f"not UTF-8: byte {error.start} is {content[error.start]:#04x}") from None
    if "\0" in text:
        raise Unreadable("not a text: it holds zero bytes")
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _markdown(content: bytes) -> Read:
    text = _text(content)
    code = [match.span() for match in FENCE.finditer(text)]
    headings = tuple(
        (match.start(), match[2])
        for match in MARK.finditer(text)
        if not any(start <= match.start() < end for start, end in code)
    )
    return Read(headings[0][1] if headings else "", text, headings)


def _plain(content: bytes) -> Read:
    text = _text(content)
    return Read(text.strip().partition("\n")[0][:120], text, ())


class _Page(HTMLParser):
    """Collects what a reader of the page would see."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.parts, self.length, self._end = [""], 0, ""
        self.headings: list[tuple[int, str]] = []
        self.title = ""
        self._hidden, self._verbatim, self._in_title = 0, 0, False
        self._head: tuple[int, int] | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        del attrs
        self._in_title = tag == "title"
        self._hidden += tag in HIDDEN
        self._verbatim += tag == "pre"
        if tag in BLOCKS | HEADS:
            self._add(" " if tag == "br" and self._head else "\n\n")
        if tag in ("td", "th"):
            self._add(" ")
        if tag in HEADS:
            self._head = (self.length, len(self.parts) + 1)
            self._add("#" * int(tag[1]) + " ")

    def handle_endtag(self, tag: str) -> None:
        self._in_title = False
        self._hidden = max(0, self._hidden - (tag in HIDDEN))
        self._verbatim = max(0, self._verbatim - (tag == "pre"))
        if tag in HEADS and self._head:
            start, first = self._head
            if name := " ".join("".join(self.parts[first:]).split()):
                self.headings.append((start, name))
            else:
                del self.parts[first - 1 :]
                self.length, self._end = start, "\n\n"
            self._head = None
        if tag in BLOCKS | HEADS:
            self._add("\n\n")

    def handle_data(self, data: str) -> None:
        if self._in_title:
            self.title += data
        elif self._verbatim and not self._hidden:
            self._add(data)
        elif not self._hidden:
            space = " " if data[:1].isspace() and not self._end.endswith((" ", "\n")) else ""
            end = " " if data[-1:].isspace() else ""
            if words := " ".join(data.split()):
                self._add(f"{space}{words}{end}")

    def _add(self, text: str) -> None:
        if text == "\n\n":
            text = "\n" * (2 - len(self._end) + len(self._end.rstrip("\n")))
        if not text or (text == " " and self._end.endswith((" ", "\n"))):
            return
        self.parts.append(text)
        self.length += len(text)
        self._end = (self._end + text)[-2:]


def _html(content: bytes) -> Read:
    page = _Page()
    page.feed(_text(content))
    page.close()
    first = page.headings[0][1] if page.headings else ""
    return Read(" ".join(page.title.split()) or first, "".join(page.parts), tuple(page.headings))


def _pdf(content: bytes) -> Read:
    from pypdf import PdfReader  # of the build; no server reads documents

    logging.getLogger("pypdf").setLevel(logging.CRITICAL)  # what is wrong is said once, below
    try:
        reader = PdfReader(io.BytesIO(content))
        if reader.is_encrypted and not reader.decrypt(""):
            raise Unreadable("it is encrypted; save a copy without a password")
        pages = [page.extract_text() or "" for page in reader.pages]
        about = reader.metadata
        title = str(about.title or "") if about else ""
    except Unreadable:
        raise
    except Exception as error:  # a broken PDF raises whatever its parser trips over
        if "cryptography" in str(error) or "PyCryptodome" in str(error):
            raise Unreadable("it is encrypted; save a copy without a password") from None
        raise Unreadable(f"a broken PDF ({type(error).__name__})") from None
    headings, at = list[tuple[int, str]](), 0
    for number, text in enumerate(pages, 1):
        headings.append((at, f"page {number}"))
        at += len(text) + 2
    return Read(title, "\n\n".join(pages), tuple(headings))


def _docx(content: bytes) -> Read:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            part = archive.getinfo("word/document.xml")
            if part.file_size > MOST_UNPACKED:
                raise Unreadable(f"its text unpacks to {part.file_size / 1e6:.0f} MB")
            xml = archive.read(part)
    except (zipfile.BadZipFile, KeyError, RuntimeError, OSError, ValueError) as error:
        why = "encrypted" if "encrypted" in str(error) else "broken, or not a DOCX"
        raise Unreadable(why) from None
    if b"<!DOCTYPE" in xml[:1000] or b"<!ENTITY" in xml:
        raise Unreadable("its XML declares entities, which no word processor writes")
    try:
        body = ElementTree.fromstring(xml)
    except ElementTree.ParseError as error:
        raise Unreadable(f"a broken DOCX ({error})") from None
    lines, headings, at = list[str](), list[tuple[int, str]](), 0
    for paragraph in body.iter(f"{WORD}p"):
        text = "".join(_run(part) for part in paragraph.iter())
        style = paragraph.find(f"{WORD}pPr/{WORD}pStyle")
        named = style.get(f"{WORD}val", "") if style is not None else ""
        if text.strip() and (level := DOCX_HEADING.match(named)):
            headings.append((at, text.strip()))
            text = f"{'#' * min(int(level[1] or 1), 6)} {' '.join(text.split())}"
        lines.append(text)
        at += len(text) + 1
    return Read(headings[0][1] if headings else "", "\n".join(lines), tuple(headings))


def _run(part: ElementTree.Element) -> str:
    said = {"t": part.text or "", "tab": "\t", "br": "\n"}
    return said.get(str(part.tag).removeprefix(WORD), "")


READERS: dict[str, Callable[[bytes], Read]] = {
    ".docx": _docx,
    ".htm": _html,
    ".html": _html,
    ".markdown": _markdown,
    ".md": _markdown,
    ".pdf": _pdf,
    ".txt": _plain,
}
