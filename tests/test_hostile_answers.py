"""Whatever somebody answers: it is shown as it stands, or refused in one line.

The three texts (name, description, owner) reach few lines of the template, and those are rendered
here by themselves, for a thousand sets; whole copies, of which one takes seconds, for a few.
"""

from __future__ import annotations

import html
import json
import re
import tomllib
import unicodedata
from html.parser import HTMLParser
from itertools import chain
from pathlib import Path
from typing import Any

import pytest
import yaml
from copier.errors import UserMessageError
from hypothesis import example, given, settings
from hypothesis import strategies as st
from jinja2 import FileSystemLoader, meta
from jinja2.sandbox import SandboxedEnvironment
from markdown_it import MarkdownIt

from extensions.new import refusal

from .conftest import ROOT, Render, render_to
from .conversation import LIMITS, Answers

MOST: dict[str, int] = LIMITS["texts"]
TEMPLATE = ROOT / "template"
MENTIONS = re.compile(r"\{[{%][^}]*\b(project_name|description|owner)\b(?!=)")
REACHED = {"README.md.jinja", "AGENTS.md.jinja", "pyproject.toml.jinja", "mit", "proprietary"}
REACHED |= {"devcontainer.json.jinja"}
ENVIRONMENT = SandboxedEnvironment(
    loader=FileSystemLoader(ROOT),
    extensions=["jinja2_ansible_filters.AnsibleCoreFiltersExtension"],
    trim_blocks=True,
    lstrip_blocks=True,
    keep_trailing_newline=True,
)
CHECKS: Any = ENVIRONMENT.get_template("questions/checks.jinja").module
MARKDOWN = MarkdownIt("commonmark").enable(["table", "strikethrough"])
VISIBLE = set(range(0x600, 0x606)) | {0x6DD, 0x70F, 0x890, 0x891, 0x8E2, 0x110BD, 0x110CD}
"""Of the category Cf, but drawn: Prepended_Concatenation_Mark of Unicode's PropList."""
IGNORABLE = "\u034f\u115f\u1160\u17b4\u17b5\u180b\u2800\u3164\ufe00\ufe0f\uffa0\U000e0100"
HOSTILE = [
    "<!-- hidden",
    "Eve <script>alert(1)</script> *x* \\",
    "[click](javascript:alert(1))",
    "![x](y)",
    "<img src=x onerror=alert(1)>",
    "&lt;b&gt; &amp; &#42;",
    "ends with #",
    "### heading",
    "- a list",
    "+ a list",
    "1. a list",
    "1) a list",
    "---",
    "===",
    "> quoted",
    "```",
    "~~~sh",
    "`code` $math$ ~~gone~~ ^up^",
    "| a | b |",
    "snake_case __init__ **bold**",
    "{{ 7*7 }} {% raw %} {# gone #}",
    "{{ ''.__class__.__mro__ }}",
    "yes: no",
    "true",
    "null",
    "1e3",
    "'single' \"double\" \\back",
    "''' \"\"\"",
    "!!python/object:os.system",
    "*anchor &alias",
    "a: b # comment",
    "%TAG",
    "@mention",
    "${HOME} $(id) `id`",
    "\\n \\u0041 \\x41",
    "]]> --> */ -- ;",
    "Prévision d'été — 模型 😀 שלום",
    "Zalgo z\u0335\u0301",
]
TEXTS = st.one_of(
    st.sampled_from(HOSTILE),
    st.builds("{} {}".format, st.sampled_from(HOSTILE), st.sampled_from(HOSTILE)),
    st.text(min_size=1, max_size=60),
    st.text(st.sampled_from("-+=#*_`~<>&[]()!|\\:.;0123456789 ab\"'{}%$@"), max_size=40),
    st.text(min_size=190, max_size=220),
)
SETS = st.fixed_dictionaries(dict.fromkeys(MOST, TEXTS))


def problem(name: str, text: str) -> str:
    """What is wrong with the answer to one of the three, or nothing."""
    return str(CHECKS.text_problem(text, MOST[name]))


def lines(file: str) -> str:
    """The lines of a file of the template that say what was answered, as a template."""
    text = (TEMPLATE / file).read_text("utf-8")
    return "\n\n".join(line for line in text.splitlines() if MENTIONS.search(line))


def rendered(template: str, answers: Answers) -> str:
    """A template with these answers."""
    head = "{% from 'includes/markdown' import plain %}\n"
    return ENVIRONMENT.from_string(head + template).render(answers, _copier_answers=answers)


def shown(page: str) -> list[str]:
    """The text of each block of a Markdown page, as a reader sees it; markup of any kind fails."""
    found = []
    for token in MARKDOWN.parse(page):
        assert token.type.startswith(("heading", "paragraph", "inline")), token
        if token.type == "inline":
            kinds = {child.type for child in token.children or ()}
            assert kinds <= {"text", "text_special", "code_inline"}, token
            found.append("".join(child.content for child in token.children or ()))
    return found


def test_the_texts_reach_only_the_lines_that_are_tried_here() -> None:
    files = [TEMPLATE.rglob("*.jinja"), (ROOT / "includes").rglob("*"), ROOT.rglob("locks/*.jinja")]
    found = set()
    for file in filter(Path.is_file, chain.from_iterable(files)):
        names = meta.find_undeclared_variables(ENVIRONMENT.parse(file.read_text("utf-8")))
        found |= {file.name} if names & {*MOST} else set()

    assert found == REACHED


@settings(max_examples=1000, deadline=None, derandomize=True)
@given(SETS)
@example({"project_name": "ends with #", "description": "<!-- hidden", "owner": "\\ a *b*"})
def test_an_answer_is_shown_as_it_stands_or_refused_in_one_line(answers: dict[str, str]) -> None:
    for name, text in answers.items():
        if why := problem(name, text):
            assert why.isprintable()
            return
        assert text.isprintable() or not text.isascii()

    name, description, owner = shown(rendered(lines("README.md.jinja"), answers))
    assert (name, description) == (answers["project_name"], answers["description"])
    assert owner.startswith(f"Owner: {answers['owner']}. Made from a template")

    [description] = shown(rendered(lines("AGENTS.md.jinja"), answers))
    assert description == answers["description"]
    named = rendered(lines(".devcontainer/devcontainer.json.jinja"), answers).rstrip(",\n")
    assert json.loads(f"{{{named}}}") == {"name": answers["project_name"]}

    project = tomllib.loads(rendered(lines("pyproject.toml.jinja"), answers))
    assert project["description"] == answers["description"]
    assert project["authors"] == [{"name": answers["owner"]}]

    assert answers["owner"] in rendered("{% include 'includes/licences/mit' %}", answers)
    recorded = (TEMPLATE / "{{ _copier_conf.answers_file }}.jinja").read_text("utf-8")
    assert yaml.safe_load(rendered(recorded, answers)) == answers


def test_most_of_the_hostile_texts_are_taken() -> None:
    assert [text for text in HOSTILE if problem("owner", text)] == []


def test_nothing_that_nobody_sees_is_taken() -> None:
    hidden = [
        chr(code)
        for code in range(0x110000)
        if unicodedata.category(chr(code)) in ("Cc", "Cf", "Cs", "Zl", "Zp") and code not in VISIBLE
    ]
    for character in [*hidden, *IGNORABLE, "\ufffe", "\U0010ffff", "\ufdd0"]:
        assert "that nobody sees" in problem("owner", f"a{character}b"), ascii(character)


def test_letters_of_any_script_are_taken() -> None:
    for code in range(0x21, 0x30000, 11):
        if unicodedata.category(chr(code)) in ("Lu", "Ll", "Lo", "Nd", "Mc", "Sc") and (
            chr(code) not in IGNORABLE
        ):
            assert not problem("owner", f"a{chr(code)}"), hex(code)


@pytest.mark.parametrize("given", [True, 2024])
def test_a_text_is_no_truth_and_no_number(template: Path, tmp_path: Path, given: Any) -> None:
    with pytest.raises(UserMessageError) as refused:
        render_to(template, tmp_path / "new", dict.fromkeys(MOST, given))

    for question in MOST:
        assert f"{question}={given}: a text is needed" in str(refused.value)


@pytest.mark.parametrize("text", ["a\x1b[31mred", "a\nb", "a\u202eb", "x" * 100_000])
def test_a_refusal_is_one_short_line_that_a_terminal_does_not_obey(
    template: Path, tmp_path: Path, text: str
) -> None:
    with pytest.raises(UserMessageError) as raised:
        render_to(template, tmp_path / "new", {"owner": text})

    said = refusal(str(raised.value))
    assert said.startswith("answers refused: owner=")
    assert said.isprintable()
    assert len(said) < 300


class Parser(HTMLParser):
    """Reads a page; Python's parser raises nothing, so the tags are counted."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[str] = []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note a tag, and with it whatever it would run."""
        self.found += [tag, *(f"{name}={value}" for name, value in attrs if name.startswith("on"))]


WHOLE = [
    {"mode": "edge", "ci": "gitlab", "licence": "mit", "engine_tests": True},
    {"mode": "batch", "licence": "apache", "personal_data": True, "privacy": "none"},
    {"ci": "github", "ground_truth": "none", "problem": "regression"},
]


@pytest.mark.parametrize("options", WHOLE, ids=[str(number) for number, _ in enumerate(WHOLE)])
@pytest.mark.parametrize(
    "start",
    [0, *(pytest.param(n, marks=pytest.mark.full) for n in range(1, len(HOSTILE)))],
)
def test_every_file_of_a_whole_copy_is_what_its_name_says(
    render: Render, start: int, options: Answers
) -> None:
    texts = {name: HOSTILE[(start + n) % len(HOSTILE)] for n, name in enumerate(MOST)}
    made = render(**options, **texts)
    plain = render(**options)

    for path in (path for path in sorted(made.rglob("*")) if path.is_file()):
        text = path.read_text("utf-8")
        match path.suffix:
            case ".py":
                compile(text, str(path), "exec")
            case ".toml":
                tomllib.loads(text)
            case ".yml" | ".yaml":
                list(yaml.safe_load_all(text))
            case ".json":
                json.loads(text)
            case ".html":
                assert (
                    Parser(text).found == Parser((plain / path.relative_to(made)).read_text()).found
                )
            case ".md":
                page = (plain / path.relative_to(made)).read_text("utf-8")
                assert kinds(text) == kinds(page), path
    answered = yaml.safe_load((made / ".copier-answers.yml").read_text("utf-8"))
    project = tomllib.loads((made / "pyproject.toml").read_text("utf-8"))["project"]
    assert {name: answered[name] for name in MOST} == texts
    assert project["description"] == texts["description"]
    assert project["authors"] == [{"name": texts["owner"]}]
    assert html.unescape(MARKDOWN.render((made / "README.md").read_text("utf-8"))).startswith(
        f"<h1>{texts['project_name']}</h1>\n<p>{texts['description']}</p>\n"
    )


def kinds(page: str) -> list[str]:
    """What a Markdown page is made of, without its words."""
    found = []
    for token in MARKDOWN.parse(page):
        children = [c.type for c in token.children or () if not c.type.startswith("text")]
        found += [token.type, *children]
    return found
