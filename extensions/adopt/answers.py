"""Answers for this template, from those given to the old one and from the project's files."""

from __future__ import annotations

import ast
import re
import tomllib
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

from packaging.specifiers import InvalidSpecifier, SpecifierSet

MINORS = ("3.11", "3.12", "3.13")
CI = {".github/workflows/": "github", ".gitlab-ci.yml": "gitlab"}
Files = Mapping[str, str]


class Answer(NamedTuple):
    """An answer and where it was found; an empty value says that there is no equal here."""

    question: str
    value: str
    source: str


def words(value: str) -> str:
    """A text on one line."""
    return " ".join(value.split())


def licence(value: str) -> str:
    """One of the licences offered here, or nothing."""
    low = value.lower()
    if re.search(r"\bmit\b", low):
        return "mit"
    if "apache" in low:
        return "apache"
    closed = r"proprietary|no license|not open|all rights reserved|^none$"
    return "proprietary" if re.search(closed, low) else ""


def python(value: str) -> str:
    """The oldest of our minors that a version or a range allows."""
    if exact := re.fullmatch(r"(3\.\d+)(\.\d+)?", value.strip()):
        return exact[1] if exact[1] in MINORS else ""
    try:
        allowed = SpecifierSet(re.sub(r"\^(3(\.\d+)*)", r">=\1,<4", value.strip()))
    except InvalidSpecifier:
        return ""
    return next((minor for minor in MINORS if f"{minor}.99" in allowed), "")


def place(value: str) -> str:
    """Where data is kept, as the classic templates call it."""
    return value if value in ("s3", "gcs") else ""


# question: how a value is read, and what other templates call it, the best name first
NAMES: dict[str, tuple[Callable[[str], str], tuple[str, ...]]] = {
    "project_name": (words, ("project_name", "project", "app_name", "repo_name")),
    "description": (words, ("description", "project_short_description", "project_description")),
    "owner": (words, ("author_name", "full_name", "author", "author_names", "organization")),
    "licence": (licence, ("open_source_license", "license", "licence")),
    "python_minor": (python, ("python_version_number", "python_version", "python")),
    "artifact_store": (place, ("dataset_storage",)),
}


def from_context(context: Mapping[str, Any], defaults: Mapping[str, Any]) -> Iterator[Answer]:
    """What was answered then; a text left at its default was not answered."""
    for question, (reading, names) in NAMES.items():
        for name in names:
            value = context.get(name, "")
            if isinstance(value, dict) and len(value) == 1:
                value = next(iter(value))
            if isinstance(value, str) and value.strip() and value != defaults.get(name):
                yield Answer(question, reading(value), f"{name}={words(value)}")
                break


def from_files(files: Files, paths: set[str]) -> Iterator[Answer]:
    """What the project says about itself."""
    yield from from_pyproject(files.get("pyproject.toml", ""))
    yield from from_setup(files.get("setup.py", ""))
    if heading := re.search(r"(?m)^# +(\S.*)$", files.get("README.md", "")):
        yield Answer("project_name", words(heading[1]), "README.md")
    if found := licence(" ".join(files.get("LICENSE", "").splitlines()[:3])):
        yield Answer("licence", found, "LICENSE")
    if text := files.get(".python-version", ""):
        yield Answer("python_minor", python(text), f".python-version={words(text)}")
    for path, provider in CI.items():
        if any(name.startswith(path) for name in paths):
            yield Answer("ci", provider, path)


def from_pyproject(text: str) -> Iterator[Answer]:
    """The table [project], or the older one of Poetry."""
    try:
        read = tomllib.loads(text)
    except ValueError:
        return
    tables = [read.get("project", {}), read.get("tool", {}).get("poetry", {})]
    for table in filter(None, tables):
        person = next(iter(table.get("authors", [])), "")
        person = person.get("name", "") if isinstance(person, dict) else person.partition(" <")[0]
        terms = table.get("license", "")
        terms = terms.get("text", "") if isinstance(terms, dict) else terms
        minor = table.get("requires-python") or table.get("dependencies", {})
        minor = minor.get("python", "") if isinstance(minor, dict) else minor
        found = {
            "project_name": table.get("name", ""),
            "description": words(table.get("description", "")),
            "owner": words(person),
            "licence": licence(terms),
            "python_minor": python(minor) if isinstance(minor, str) and minor else "",
        }
        yield from (Answer(name, value, "pyproject.toml") for name, value in found.items() if value)


def from_setup(text: str) -> Iterator[Answer]:
    """The plain texts that setup.py hands to setup(); it is read, not run."""
    named = {"name": "project_name", "description": "description", "author": "owner"}
    try:
        calls = [node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Call)]
    except (SyntaxError, ValueError):
        return
    for keyword in (keyword for call in calls for keyword in call.keywords):
        value = keyword.value.value if isinstance(keyword.value, ast.Constant) else None
        if keyword.arg in named and isinstance(value, str) and value.strip():
            yield Answer(named[keyword.arg], words(value), "setup.py")
