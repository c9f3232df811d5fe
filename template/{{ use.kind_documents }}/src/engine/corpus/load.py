"""All documents of `src/app/documents.py`, what could not be read, and what to look at."""

import hashlib
from pathlib import Path
from typing import NamedTuple

from engine.contract import app
from engine.contract.app import Source
from engine.contract.schema import Contract
from engine.core.errors import DataError
from engine.corpus import formats, screen
from engine.corpus.document import Document, Unread, Warned


class Corpus(NamedTuple):
    """What was found."""

    documents: list[Document]
    unread: list[Unread]
    doubles: list[tuple[str, str]]
    """Names of documents whose text is that of an earlier one, which alone is searched."""

    @property
    def warned(self) -> list[Warned]:
        """What a person should look at in them; each is looked through when this is asked for."""
        return [warning for document in self.documents for warning in screen.warnings(document)]

    @property
    def digest(self) -> str:
        """A hash of everything that is searched."""
        said = [f"{d.name} {d.digest} {d.url}" for d in self.documents]
        return hashlib.sha256("\n".join(said).encode()).hexdigest()


def load(contract: Contract) -> Corpus:
    """The documents by name.

    Raises DataError when there is none that can be read, or two have one name.
    """
    documents: dict[str, Document] = {}
    unread, doubles = list[Unread](), list[tuple[str, str]]()
    texts: dict[str, str] = {}
    for source in sorted(app.documents().load(contract), key=lambda source: source.name):
        if source.name in documents:
            raise DataError(
                f"two documents are called {source.name!r}; src/app/documents.py has to give each "
                "a name of its own"
            )
        found = read(source, contract)
        if isinstance(found, Unread):
            unread.append(found)
        elif found.text in texts:
            doubles.append((found.name, texts[found.text]))
        else:
            documents[found.name] = found
            texts[found.text] = found.name
    if not documents:
        raise DataError(_empty(contract, unread))
    return Corpus([*documents.values()], unread, doubles)


def read(source: Source, contract: Contract) -> Document | Unread:
    """A document, or why it is none."""
    content, most = source.content, contract.corpus.largest_mb * 1e6
    try:
        size = content.stat().st_size if isinstance(content, Path) else len(content)
        if size > most:
            return Unread(
                source.name,
                f"{size / 1e6:.1f} MB; corpus.largest_mb in contract.toml allows {most / 1e6:g}",
            )
        raw = content.read_bytes() if isinstance(content, Path) else content
        title, text, headings = formats.read(source.name, raw)
    except OSError as error:
        return Unread(source.name, error.strerror or type(error).__name__)
    except formats.Unreadable as error:
        return Unread(source.name, str(error))
    digest = hashlib.sha256(raw).hexdigest()
    return Document(source.name, title, text, headings, digest, source.changed, source.url)


def lines(corpus: Corpus) -> list[str]:
    """What there is to say, for a terminal."""
    found = [f"not read: {name}: {reason}" for name, reason in corpus.unread]
    found += [f"left out: {name} says the same as {other}" for name, other in corpus.doubles]
    found += [f"look at {w.name}: {w.times} {w.what}: {w.example}" for w in corpus.warned]
    return found


def _empty(contract: Contract, unread: list[Unread]) -> str:
    reasons = "".join(f"\n- {name}: {reason}" for name, reason in unread[:10])
    return (
        f"no document can be read: src/app/documents.py gives none with text (it looks into "
        f"{contract.corpus.folder}/ for {', '.join(contract.corpus.formats)}). Bring some with: "
        f"python3 run.py corpus add FOLDER{reasons}"
    )
