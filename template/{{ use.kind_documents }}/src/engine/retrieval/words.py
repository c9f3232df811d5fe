"""Words as the index has them: without case and accents, cut down to a stem, without stop words.

SQLite's own tokenizer (unicode61, porter) makes them, so that whatever compares words compares what
the index compares.
"""

import re
import sqlite3
import threading

TOKENIZER = "porter unicode61 remove_diacritics 2"
WORD = re.compile(r"[^\W_]+")
STOP_WORDS = """
    a about all also am an and any are as at be because been before being but by can could did do
    does doing for from get had has have having he her here hers him his how i if in into is it its
    just let may me might my no nor not now of off on once only or other our ours out over own s
    shall she should so some such t than that the their theirs them then there these they this those
    to too us very was we were what when where which while who whom whose why will with would you
    your yours
"""
STOP = frozenset(WORD.findall(STOP_WORDS))


class Stemmer:
    """Stems of words; each distinct word is asked for once."""

    def __init__(self) -> None:
        self._known: dict[str, str] = {}
        self._lock = threading.Lock()
        self._base = sqlite3.connect(":memory:", check_same_thread=False, isolation_level=None)
        self._base.execute(f"create virtual table w using fts5(word, tokenize='{TOKENIZER}')")
        self._base.execute("create virtual table v using fts5vocab(w, 'row')")

    def __call__(self, word: str) -> str:
        """The stem of a word."""
        found = self._known.get(word)
        return self._ask(word) if found is None else found

    def _ask(self, word: str) -> str:
        with self._lock:
            self._base.execute("insert into w(rowid, word) values (1, ?)", (word,))
            row = self._base.execute("select term from v limit 1").fetchone()
            self._base.execute("delete from w")
            if len(self._known) > 500_000:  # questions may hold anything
                self._known.clear()
            self._known[word] = found = str(row[0]) if row else ""
        return found

    def stems(self, text: str) -> list[str]:
        """The stems of a text in order, without stop words."""
        known = self._known
        return [
            stem
            for word in WORD.findall(text.lower())
            if word not in STOP and (stem := known.get(word) or self(word))
        ]


def asked_words(question: str) -> list[str]:
    """The words of a question to search for, each once; stop words only where all are."""
    words = [*dict.fromkeys(WORD.findall(question.lower()))]
    return [word for word in words if word not in STOP] or words
