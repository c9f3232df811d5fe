"""What may be quoted as an answer: a sentence, never a heading, never a whole block of code."""

import pytest

from engine.answering import sentences
from engine.contract.schema import Retrieval
from engine.retrieval import lexical
from engine.retrieval.index import INDEX, Index
from engine.retrieval.split import spans

from . import small_bundle


def quoted(question: str, name: str, text: str) -> str:
    """The sentence of a document that answers best; empty where none does."""
    made = small_bundle.documents({name: text})
    cut = {each.name: spans(each.text, 1000, 200) for each in made}
    index = Index({INDEX: lexical.build(made, cut)}, Retrieval())
    found = sentences.best(question, index.search(question).passages, index)
    return found.text if found else ""


@pytest.mark.parametrize("gap", ["\n", "\n\n"])
@pytest.mark.parametrize("heading", ["# Opening hours", "## 3. Opening hours", "### 1.2 Opening"])
def test_a_heading_of_markdown_is_no_sentence(heading: str, gap: str) -> None:
    text = f"{heading}{gap}The shop is open until six. Bread is sold out by noon.\n"

    found = [text[start:end] for start, end in sentences.ranges(text)]

    assert found == ["The shop is open until six.", "Bread is sold out by noon."]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.html", "<h1>Opening hours</h1><p>Until six the doors are open.</p>"),
        ("b.html", "<h1>Shop</h1>In town.<h2>Opening hours</h2>Until six the doors are open."),
        ("a.md", "# Shop\n\n## 2. Opening hours\n\nUntil six the doors are open.\n"),
    ],
)
def test_a_heading_does_not_answer_what_it_repeats(name: str, text: str) -> None:
    assert quoted("What are the opening hours?", name, text) == "Until six the doors are open."


def test_of_code_a_line_is_quoted() -> None:
    code = "\n".join(f"setting_{number} = value_{number}" for number in range(60))

    assert quoted("setting_7", "a.md", f"# Code\n\n{code}\n") == "setting_7 = value_7"


def test_a_sentence_over_many_lines_is_one() -> None:
    words = "\n".join(["which the cooperative lends to its members"] * 14)
    text = f"The bicycle, {words}, is blue."

    assert [text[start:end] for start, end in sentences.ranges(text)] == [text]
