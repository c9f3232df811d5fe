"""The index file: documents and passages in SQLite, searched with its FTS5 by BM25."""

import sqlite3
import threading
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from engine.corpus.document import Document
from engine.retrieval.split import Span
from engine.retrieval.words import TOKENIZER, Stemmer, asked_words

MOST_WORDS = 64  # of a question; longer ones are pasted texts
MOST_RANKED = 10_000  # passages that a question may rank; only a large corpus has more
TITLE_WEIGHT = 1.0  # of title and heading beside the text
SCHEMA = f"""
create table documents(
  id integer primary key, name text not null unique, title text not null, url text not null,
  changed text not null, digest text not null, text text not null);
create table passages(
  id integer primary key, document integer not null references documents(id),
  start integer not null, stop integer not null, heading text not null);
create table stems(stem text primary key, passages integer not null) without rowid;
create virtual table words using fts5(
  heading, text, content='', detail=full, tokenize='{TOKENIZER}');
"""


class Passage(NamedTuple):
    """A range of a document that may hold an answer."""

    id: int
    document: str
    title: str
    heading: str
    start: int
    end: int
    text: str
    url: str


def build(documents: Iterable[Document], cut: "dict[str, list[Span]]") -> bytes:
    """The index file; the same documents give the same bytes."""
    base = sqlite3.connect(":memory:", isolation_level=None)
    base.executescript(SCHEMA)
    base.execute("begin")
    passage = 0
    for number, document in enumerate(documents, 1):
        row = (number, document.name, document.title, document.url, document.changed)
        base.execute(
            "insert into documents values (?, ?, ?, ?, ?, ?, ?)",
            (*row, document.digest, document.text),
        )
        for start, end in cut[document.name]:
            passage += 1
            heading = document.heading(start)
            base.execute(
                "insert into passages values (?, ?, ?, ?, ?)",
                (passage, number, start, end, heading),
            )
            base.execute(
                "insert into words(rowid, heading, text) values (?, ?, ?)",
                (passage, about(document.title, heading), document.text[start:end]),
            )
    base.execute("commit")
    base.execute("insert into words(words) values ('optimize')")
    base.execute("create virtual table temp.vocabulary using fts5vocab(main, words, row)")
    base.execute("insert into stems select term, doc from temp.vocabulary order by term")
    base.execute("drop table temp.vocabulary")
    base.execute("vacuum")
    content = base.serialize()
    base.close()
    return content


def about(title: str, heading: str) -> str:
    """What is said above a passage."""
    return title if title == heading else f"{title}: {heading}"


class Lexical:
    """The index file, opened from its bytes; any thread may search it."""

    def __init__(self, content: bytes) -> None:
        self._base = sqlite3.connect(":memory:", check_same_thread=False, isolation_level=None)
        self._base.deserialize(content)
        self._lock = threading.Lock()
        self.count = int(self._one("select count(*) from passages") or 0)
        self.documents = int(self._one("select count(*) from documents") or 0)

    def search(self, question: str, limit: int, stemmer: Stemmer) -> list[tuple[int, float]]:
        """Passages with their BM25, the best first; equal ones in the order of the documents."""
        words = self._telling(asked_words(question)[:MOST_WORDS], stemmer)
        if not words:
            return []
        query = " OR ".join(f'"{word}"' for word in words)
        with self._lock:
            rows = self._base.execute(
                "select rowid, -bm25(words, ?, 1.0) from words where words match ? "
                "order by bm25(words, ?, 1.0), rowid limit ?",
                (TITLE_WEIGHT, query, TITLE_WEIGHT, limit),
            ).fetchall()
        return [(int(row), float(score)) for row, score in rows]

    def _telling(self, words: Sequence[str], stemmer: Stemmer) -> list[str]:
        """The words in their order, but for the most frequent ones where that is too much to rank.

        Every passage with one of the words is ranked, so the rarest are taken until there is
        enough: the others tell least.
        """
        spread = sorted((self.frequency(stemmer(word)), word) for word in words)
        kept, rows = set[str](), 0
        for many, word in spread:
            rows += many
            if kept and rows > MOST_RANKED:
                break
            if many:
                kept.add(word)
        return [word for word in words if word in kept]

    def passages(self, ids: Sequence[int]) -> list[Passage]:
        """Passages by their numbers, in the order asked for."""
        marks = ",".join("?" * len(ids))
        with self._lock:
            rows = self._base.execute(
                "select p.id, d.name, d.title, p.heading, p.start, p.stop, "
                "substr(d.text, p.start + 1, p.stop - p.start), d.url "
                f"from passages p join documents d on d.id = p.document where p.id in ({marks})",
                list(ids),
            ).fetchall()
        found = {row[0]: Passage(*row) for row in rows}
        return [found[number] for number in ids]

    def frequency(self, stem: str) -> int:
        """In how many passages a stem stands."""
        return int(self._one("select passages from stems where stem = ?", stem) or 0)

    def text(self, name: str) -> str | None:
        """The whole text of a document."""
        found = self._one("select text from documents where name = ?", name)
        return None if found is None else str(found)

    def names(self) -> set[str]:
        """The names of all documents."""
        with self._lock:
            return {str(row[0]) for row in self._base.execute("select name from documents")}

    def texts(self) -> list[str]:
        """What is searched of every passage, in order: what is said above it, and its text."""
        with self._lock:
            rows = self._base.execute(
                "select d.title, p.heading, substr(d.text, p.start + 1, p.stop - p.start) "
                "from passages p join documents d on d.id = p.document order by p.id"
            ).fetchall()
        return [f"{about(title, heading)}\n{text}" for title, heading, text in rows]

    def close(self) -> None:
        """Give the memory back."""
        self._base.close()

    def _one(self, query: str, *values: object) -> int | str | None:
        with self._lock:
            row = self._base.execute(query, values).fetchone()
        return row[0] if row else None
