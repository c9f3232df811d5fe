"""What this template makes of the answers that were found."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import copier
import yaml

from extensions import origin
from extensions.adopt.answers import Answer
from extensions.adopt.trees import AdoptError, git
from extensions.new import refusal

ROOT = Path(__file__).resolve().parent.parent.parent
ANSWERS = ".copier-answers.yml"
PACKAGES = ("app", "engine")  # what the template calls its own, under src/


class Source(NamedTuple):
    """The address and the release to render, as Copier records them."""

    address: str
    release: str | None


class Made(NamedTuple):
    """The render, its release, and the answers that were not left to the template."""

    folder: Path
    release: str
    answers: Sequence[Answer]
    notes: Sequence[str]  # what is to be said of later updates


def source(address: str, release: str) -> Source:
    """This checkout, unless another address is given; a later update must find the same there."""
    if address:
        return Source(address, release or None)
    try:
        dirty = git(ROOT, "status", "--porcelain")
    except AdoptError:
        raise AdoptError(
            f"{ROOT} is no clone of the template; give its address: --source"
        ) from None
    if dirty and not release:
        raise AdoptError(f"{ROOT} has uncommitted changes: no update could begin from such a state")
    return Source(str(ROOT), release or "HEAD")


def refuse_clash(stay: Iterable[str]) -> None:
    """Stop where the project has a module called like a package of the template."""
    for path in sorted(stay):
        if taken := re.match(rf"((?:src/)?({'|'.join(PACKAGES)}))(?:/|\.py$)", path):
            raise AdoptError(
                f"{path}: {taken[2]} is a package of the template, in src/, and Python imports only"
                f" one of that name; rename yours first: git mv {taken[1]} my_{taken[2]}"
            )


def render(
    source: Source, scratch: Path, name: str, found: Iterable[Answer], data: Sequence[str]
) -> Made:
    """Render with what was given and found; what the template refuses of the found is left out.

    `name` is the project's folder, after which the template calls it if nothing else does.
    """
    given = {answer.question: answer for answer in map(told, data)}
    answers = dict(given)
    for answer in found:
        if not (answer.question in answers and answers[answer.question].value):
            answers[answer.question] = answer
    while True:
        folder = scratch / f"render-{len(list(scratch.glob('render-*')))}" / name
        folder.mkdir(parents=True)
        line = attempt(source, folder, answers)
        if not line:
            notes = origin.record(folder)
            recorded = yaml.safe_load((folder / ANSWERS).read_text("utf-8"))
            return Made(folder, recorded.get("_commit", ""), [*answers.values()], notes)
        changed = {it.question: it for it in refused(line, answers)}
        if not changed or changed.keys() & given.keys():
            raise AdoptError(line)
        answers |= changed


def told(pair: str) -> Answer:
    """An answer of the command line."""
    name, is_pair, value = pair.partition("=")
    if not is_pair:
        raise AdoptError(f"-d {pair}: not of the form QUESTION=ANSWER")
    return Answer(name, value, "-d")


def attempt(source: Source, folder: Path, answers: Mapping[str, Answer]) -> str:
    """Render; what Copier has against it comes back as one line."""
    try:
        copier.run_copy(
            source.address,
            folder,
            data={name: answer.value for name, answer in answers.items() if answer.value},
            vcs_ref=source.release,
            defaults=True,
            quiet=True,
            unsafe=False,
            settings=copier.Settings(),
        )
    except Exception as problem:  # copier reports many wrong values as a traceback
        said = refusal(str(problem))
        return " ".join(said.split()) or type(problem).__name__
    return ""


def refused(line: str, answers: Mapping[str, Answer]) -> Iterator[Answer]:
    """The answers that the line refuses, without their values."""
    for name, answer in answers.items():
        if answer.value and re.search(rf"[:;] {name}=", line):
            yield Answer(name, "", f"{answer.source}, which is not possible")
