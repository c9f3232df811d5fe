"""Public collections of texts and questions, read from a folder; nothing of them is kept here."""

import json
import random
import re
from itertools import accumulate
from pathlib import Path
from typing import NamedTuple

GRADES = {"1", "2", "3", "4"}  # of Cranfield; 5 is "of no interest"
QUESTIONS = 100  # about made-up documents
WORDS, SYLLABLES = 60_000, ("ka", "lo", "mi", "ter", "ves", "du", "pra", "sho", "nel", "gri", "to")


class Collection(NamedTuple):
    """Texts by name, each with its title, and questions with the names of what answers them."""

    name: str
    texts: dict[str, tuple[str, str]]
    questions: list[tuple[str, list[str]]]


def xquad(folder: Path) -> Collection | None:
    """XQuAD in English: its passages are the documents."""
    path = folder / "xquad.en.json"
    if not path.is_file():
        return None
    texts: dict[str, tuple[str, str]] = {}
    questions: list[tuple[str, list[str]]] = []
    for article in json.loads(path.read_text("utf-8"))["data"]:
        for number, paragraph in enumerate(article["paragraphs"]):
            name = f"{article['title']}-{number}"
            texts[name] = (article["title"].replace("_", " "), paragraph["context"])
            questions += [(asked["question"], [name]) for asked in paragraph["qas"]]
    return Collection("XQuAD (en)", texts, questions)


def cranfield(folder: Path) -> Collection | None:
    """The Cranfield collection: abstracts, and what judges found relevant of them."""
    if not all((folder / name).is_file() for name in ("cran.all.1400", "cran.qry", "cranqrel")):
        return None
    parts = re.split(r"(?m)^\.I +(\d+)$", (folder / "cran.all.1400").read_text("utf-8"))
    texts = {}
    for name, body in zip(parts[1::2], parts[2::2], strict=True):
        fields = dict(re.findall(r"(?ms)^\.([TW])\n(.*?)(?=^\.[A-Z]\n|\Z)", body))
        if fields.get("W", "").strip():
            texts[name] = (" ".join(fields.get("T", "").split()), fields["W"])
    asked = re.split(r"(?m)^\.I +\d+$", (folder / "cran.qry").read_text("utf-8"))[1:]
    relevant: dict[int, list[str]] = {}
    for line in (folder / "cranqrel").read_text("utf-8").splitlines():
        question, name, grade = line.split()[:3]  # questions are numbered by their order
        if grade in GRADES and name in texts:
            relevant.setdefault(int(question), []).append(name)
    questions = [
        (" ".join(text.replace(".W", " ").split()), relevant[number])
        for number, text in enumerate(asked, 1)
        if number in relevant
    ]
    return Collection("Cranfield", texts, questions)


def made_up(many: int) -> Collection:
    """So many passages of made-up words, as frequent as Zipf has them, and questions about some."""
    drawn = random.Random(7)
    known, share = _words(drawn)
    texts = {
        str(number): ("", " ".join(drawn.choices(known, cum_weights=share, k=140))[:990])
        for number in range(many)
    }
    asked = []
    for _ in range(220):
        name = str(drawn.randrange(many))
        asked.append((f"What is the {' '.join(drawn.sample(texts[name][1].split(), 6))}?", [name]))
    return Collection(f"{many:,} made up", texts, asked)


def documents_made_up(folder: Path, many: int) -> str:
    """Write so many files of about 2 kB, half Markdown and half text, into an empty folder.

    Returns a question set about some of them, of dev and test questions in equal parts.
    """
    drawn = random.Random(11)
    known, share = _words(drawn)
    folder.mkdir()
    asked = list[str]()
    every = many // QUESTIONS | 1  # odd, so that files of both formats are asked about
    for number in range(many):
        sentences = [
            " ".join(drawn.choices(known, cum_weights=share, k=drawn.randint(8, 16))).capitalize()
            for _ in range(16)
        ]
        parts = [sentences[start : start + 3] for start in range(1, 16, 3)]
        is_text = number % 2
        body = "\n\n".join(
            ("" if is_text else f"## {part[0][:40]}\n\n") + ". ".join(part) + "." for part in parts
        )
        name = f"{number:06}.{'txt' if is_text else 'md'}"
        title = sentences[0][:60] if is_text else f"# {sentences[0][:60]}"
        (folder / name).write_text(f"{title}\n\n{body}\n", encoding="utf-8")
        if number % every == 0:
            question = {
                "id": name,
                "split": "test" if number // every // 2 % 2 else "dev",
                "question": f"What is the {sentences[8]}?",
                "answerable": True,
                "documents": [name],
                "spans": [sentences[8]],
            }
            asked.append(json.dumps(question))
    return "\n".join(asked) + "\n"


def changed(folder: Path) -> int:
    """Change every hundredth file of a folder; returns how many that are."""
    some = sorted(folder.iterdir())[::100]
    for path in some:
        with path.open("a", encoding="utf-8") as file:
            file.write("\nThis came later.\n")
    return len(some)


def _words(drawn: random.Random) -> tuple[list[str], list[float]]:
    """Made-up words, and how frequent each is together with those before it."""
    known = sorted({"".join(drawn.choices(SYLLABLES, k=drawn.randint(2, 4))) for _ in range(WORDS)})
    drawn.shuffle(known)
    return known, list(accumulate(1 / place for place in range(1, len(known) + 1)))
