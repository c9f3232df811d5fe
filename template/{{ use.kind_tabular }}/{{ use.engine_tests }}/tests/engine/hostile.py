"""A table whose names and values try to become part of a page, its harmless twin, and a reader.

Both are drafted, trained and promoted alike, so whatever a page of the one has beyond the page of
the other came from the data.
"""

import csv
import random
import re
from collections.abc import Iterable
from datetime import datetime, timedelta
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import tomlkit
from markdown_it import MarkdownIt

from engine.commands.registry import promote
from engine.contract.read import load_contract
from engine.core.settings import load_settings
from engine.training import train
from tools import contract as drafting

from .made_up import ROOT, inside, open_gates

MARKDOWN = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
MARKDOWN.validateLink = lambda _: True  # type: ignore[method-assign] # not every viewer refuses any
COLUMNS = ("first", "second", "third", "fourth", "fifth")
VALUES = ("red", "green", "blue", "black", "white", "grey", "brown")
CLASSES = ("no", "yes")
TARGET, TEXT, UNIT = "answer", "what it is", "pieces"
HARMLESS = {word: word for word in (*COLUMNS, *VALUES, *CLASSES, TARGET, TEXT, UNIT)}
HOSTILE = dict(
    zip(
        HARMLESS,
        (
            "</script><script>alert(1)</script>",
            "<img src=x onerror=alert(2)>",
            "[click](javascript:alert(3)) | ![x](javascript:alert(4))",
            '" onmouseover="alert(5)" x="',
            "\x7b{ 7*7 }} \x7b% raw %} ${alert(6)}",
            "</style></title></textarea></svg><script>alert(7)</script>",
            "<!-- hidden",
            "--></script ><SCRIPT SRC=//x.example/x.js>",
            "' onfocus='alert(8)' autofocus='",
            "javascript:alert(9)",
            "**bold** `code` ~~gone~~ <javascript:alert(10)> \\",
            "a\u2028alert(11)//\u202eabc",
            "<b>no</b>",
            "</td></tr></table>`<iframe src=javascript:alert(12)>`",
            "<svg/onload=alert(13)>",
            "<script>alert(14)</script> &lt;b&gt; [a]: javascript:x",
            "<a href=javascript:alert(15)>",
        ),
        strict=True,
    )
)


def trained(folder: Path, words: dict[str, str]) -> Path:
    """A project on rows that use these words, drafted and with a champion."""
    said = words.__getitem__
    chance, start = random.Random(0), datetime(2026, 1, 1)
    header = [said(word) for word in (*COLUMNS, TARGET)]
    (folder / "data").mkdir(parents=True)
    with (folder / "data/rows.csv").open("w", encoding="utf-8", newline="") as stream:
        rows = csv.writer(stream)
        rows.writerow(header)
        for number in range(600):
            size, colour = chance.gauss(0, 1), chance.choice(VALUES)
            moment = start + timedelta(hours=number)
            shade = chance.choice(VALUES[:3])
            is_yes = size + VALUES.index(colour) / 3 + chance.gauss(0, 1) > 1
            cells = [said(colour), said(shade), f"{size:.3f}", chance.randrange(9), moment]
            rows.writerow([*cells, said(CLASSES[is_yes])])
    (folder / "params.toml").write_bytes((ROOT / "params.toml").read_bytes())
    with inside(folder):
        drafting.main(["contract", "draft", "data/rows.csv", "--target", said(TARGET)])
        _describe(Path("contract.toml"), said)
        train.train(load_settings(env={}))
        promote(load_settings(env={}))
    return folder


def _describe(path: Path, said: Any) -> None:
    """Describe everything, watch a group, and let every model pass."""
    document: Any = tomlkit.parse(path.read_text(encoding="utf-8"))
    document["gates"].update(open_gates(load_contract(path)))
    document["gates"].pop("fairness_gap")
    document["dataset"]["description"] = said(TEXT)
    for name in map(said, COLUMNS):
        document["columns"][name]["description"] = said(TEXT)
        document["columns"][name]["unit"] = said(UNIT)
    document["columns"][said("second")]["sensitive"] = True
    document["columns"][said("first")].update(unknown="missing", nullable=True)
    path.write_text(tomlkit.dumps(document), encoding="utf-8")


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.parts: set[tuple[str, ...]] = set()
        self.texts: list[str] = []
        self._open = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._open = tag
        self.parts.add((tag,))
        for name, value in attrs:
            scheme = re.match(r"\s*([a-z]+):", value or "", re.IGNORECASE)
            self.parts.add((tag, name, scheme[1] if scheme and name in ("href", "src") else ""))

    def handle_data(self, data: str) -> None:
        if self._open in ("script", "style"):
            self.parts.add((self._open, "holds", data))
        else:
            self.texts.append(data)

    def handle_endtag(self, tag: str) -> None:  # noqa: ARG002 - of whatever element
        self._open = ""

    def handle_comment(self, data: str) -> None:
        self.parts.add(("comment", data))

    def handle_decl(self, decl: str) -> None:
        self.parts.add(("declaration", decl))

    def unknown_decl(self, data: str) -> None:
        self.parts.add(("declaration", data))

    def handle_pi(self, data: str) -> None:
        self.parts.add(("instruction", data))


def read(path: Path) -> tuple[set[tuple[str, ...]], str]:
    """What a page is made of (elements, attributes, schemes, scripts), and what it says."""
    text = path.read_text(encoding="utf-8")
    reader = _Reader()
    reader.feed(MARKDOWN.render(text) if path.suffix == ".md" else text)
    reader.close()
    return reader.parts, " ".join(reader.texts)


def assert_alike(hostile: Path, harmless: Path, shown: Iterable[str] = ("first", TARGET)) -> None:
    """A page holds its words, and they add no element, attribute, address or script to it."""
    parts, text = read(hostile)
    assert parts <= read(harmless)[0]
    for word in shown:
        assert " ".join(HOSTILE[word].split()) in " ".join(text.split()), word
