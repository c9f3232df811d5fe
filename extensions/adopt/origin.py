"""What the old template made of the project: the base of the merge, and the answers of then."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from extensions.adopt.trees import AdoptError, Tree, content, git, read, snapshot

CRUFT = ".cruft.json"
HOOKS = "the old template has hooks, which were not run; --trust runs them"
REPLAYS = (".cookiecutter.json", "cookiecutter.json")  # where templates like to leave the context


class Asked(NamedTuple):
    """What the command line says about the old template."""

    template: str
    at: str
    context: tuple[str, ...]
    base: str
    trust: bool


class Origin(NamedTuple):
    """The old template in words, its answers, its defaults, and its render."""

    words: str
    context: Mapping[str, Any]
    defaults: Mapping[str, Any]
    base: Tree
    notes: tuple[str, ...] = ()


def find(clone: Path, theirs: Tree, asked: Asked) -> Origin:
    """A cruft or cookiecutter project, a project whose first commit is known, or a plain one."""
    recorded = parse(CRUFT, content(clone, theirs.get(CRUFT)) or b"{}")
    replay = next((name for name in REPLAYS if name in theirs), "")
    context = dict(recorded.get("context", {}))
    if not recorded and replay:
        context = parse(replay, content(clone, theirs[replay]))
    context = unwrap(context) | given(asked.context)
    template = asked.template or recorded.get("template") or context.get("_template", "")
    at = asked.at or recorded.get("commit") or context.get("_commit")
    context = {name: value for name, value in context.items() if not name.startswith("_")}
    if asked.base:
        try:
            commit = git(clone, "rev-parse", "--verify", "--quiet", f"{asked.base}^{{commit}}")
        except AdoptError:
            raise AdoptError(f"--base {asked.base}: there is no such commit") from None
        words = f"what the old template made, commit {commit[:10]}"
        return Origin(words, context, {}, read(clone, commit))
    if not template:
        return Origin("a repository of its own", context, {}, {})
    return rendered(clone, str(template), at, recorded.get("directory"), context, asked.trust)


def parse(name: str, text: bytes) -> dict[str, Any]:
    """A JSON file with names and values."""
    try:
        found = json.loads(text)
    except ValueError as problem:
        raise AdoptError(f"{name} is no JSON: {problem}") from None
    if not isinstance(found, dict):
        raise AdoptError(f"{name} holds no names and values")
    return found


def unwrap(context: Mapping[str, Any]) -> dict[str, Any]:
    """The answers, which cookiecutter keeps one level down."""
    inner = context.get("cookiecutter", context)
    return dict(inner) if isinstance(inner, Mapping) else {}


def given(words: tuple[str, ...]) -> dict[str, Any]:
    """NAME=VALUE, or a JSON file such as those in ~/.cookiecutter_replay."""
    found: dict[str, Any] = {}
    for word in words:
        name, is_pair, value = word.partition("=")
        if is_pair:
            found[name] = value
        elif Path(word).is_file():
            found |= unwrap(parse(word, Path(word).read_bytes()))
        else:
            raise AdoptError(f"--context {word}: neither NAME=VALUE nor a file")
    return found


def rendered(
    clone: Path, template: str, at: str | None, directory: str | None,
    context: Mapping[str, Any], trust: bool,
) -> Origin:  # fmt: skip
    """Let cookiecutter make the old project again; nothing goes into the home folder."""
    from cookiecutter.exceptions import CookiecutterException
    from cookiecutter.main import cookiecutter

    scratch = clone.parent / "old"
    places = {name: str(scratch / name) for name in ("cookiecutters_dir", "replay_dir")}
    for place in places.values():
        Path(place).mkdir(parents=True)
    settings = scratch / "settings.yml"
    settings.write_text(json.dumps(places), encoding="utf-8")
    source = fetched(scratch / "template", template, at) / (directory or "")
    try:
        project = Path(
            cookiecutter(
                str(source),
                no_input=True,
                extra_context=dict(context),
                output_dir=str(scratch / "made"),
                config_file=str(settings),
                accept_hooks=trust,
            )
        )
        defaults = parse("cookiecutter.json", (source / "cookiecutter.json").read_bytes())
    except (CookiecutterException, OSError, ValueError) as problem:
        said = " ".join(str(problem).split())
        raise AdoptError(f"the old template {template} cannot be rendered: {said}") from None
    (project / CRUFT).unlink(missing_ok=True)
    words = f"{re.sub('//[^/@]+@', '//', template)}, {at[:10] if at else 'its newest state'}"
    left_out = not trust and any(source.glob("hooks/*"))
    notes = (HOOKS,) if left_out else ()
    return Origin(words, context, defaults, snapshot(clone, project), notes)


def fetched(folder: Path, template: str, at: str | None) -> Path:
    """The old template, in its state of then."""
    from cookiecutter.config import BUILTIN_ABBREVIATIONS
    from cookiecutter.repository import expand_abbreviations

    local = Path(template).expanduser()
    if local.is_dir() and not at and not (local / ".git").exists():
        return local
    address = expand_abbreviations(template, BUILTIN_ABBREVIATIONS).removeprefix("git+")
    if local.is_dir():
        address = str(local.resolve())
    git(folder.parent, "clone", "--quiet", address, str(folder))
    if at:
        git(folder, "checkout", "--quiet", at)
    return folder
