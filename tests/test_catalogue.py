"""Level 0: the catalogue, the folders and the questions say the same."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement

from .conversation import ANSWERS, CATALOGUE, COMPUTED, CONVERSATION, OPTIONS, QUESTIONS, SEAMS

ROOT = Path(__file__).resolve().parent.parent
TEMPLATE = ROOT / "template"
PACKAGE = "src/{{ package_name }}"
JOBS = {"serve", "train", "monitor", "dev"}
TEXTS = ("label", "when", "problem", "how", "trade_offs", "revisit_when")
OPTIONAL = {
    "besides",
    "builds",
    "debian",
    "environments",
    "folder",
    "modules",
    "needs",
    "packages",
    "settings",
    "sources",
    "verbs",
}
JINJA = re.compile(r"\{\{|\{%|\{#")
IGNORED = {"__pycache__", ".ruff_cache", ".mypy_cache", ".pytest_cache", ".venv"}

each_option = pytest.mark.parametrize(
    ("seam", "option"), OPTIONS, ids=[f"{seam}={option}" for seam, option in OPTIONS]
)


def folder(seam: str, option: str) -> Path:
    """Where the files of an option live."""
    return TEMPLATE / f"{{{{ use.{seam}_{option} }}}}"


def payload(*endings: str) -> list[Path]:
    """The files of the template with one of these endings."""
    files = (path for path in TEMPLATE.rglob("*") if path.is_file())
    return [f for f in files if f.name.endswith(endings) and not IGNORED & set(f.parts)]


def modules_in(place: Path) -> set[str]:
    """The modules that a folder brings to the package, dunder modules left out."""
    files = [f.relative_to(place / PACKAGE) for f in (place / PACKAGE).rglob("*.py")]
    return {".".join(f.with_suffix("").parts) for f in files if not f.stem.startswith("__")}


def public(module: Path) -> dict[str, list[str]]:
    """The public functions of a module and the names of their arguments."""
    body = ast.parse(module.read_text("utf-8")).body
    return {
        node.name: [argument.arg for argument in (*node.args.args, *node.args.kwonlyargs)]
        for node in body
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and not node.name.startswith("_")
    }


def test_every_folder_has_a_record_and_every_record_its_folder() -> None:
    found = {path.name for path in TEMPLATE.iterdir() if path.name.startswith("{{ use.")}

    wanted = {folder(s, o).name for s, o in OPTIONS if SEAMS[s][o].get("folder", True)}

    assert found - {"{{ use.red_flags }}"} == wanted


@each_option
def test_a_record_is_complete(seam: str, option: str) -> None:
    record: dict[str, Any] = SEAMS[seam][option]

    assert set(record) - OPTIONAL == {*TEXTS, "rejected", "proof"}
    assert all(str(record[key]).strip() for key in TEXTS)
    assert record["rejected"]
    assert record["proof"]["level"] in (0, 1, 2, 3)


@each_option
def test_a_record_asks_for_answers_that_exist(seam: str, option: str) -> None:
    for question, allowed in SEAMS[seam][option].get("needs", {}).items():
        valid = SEAMS.get(question) or ANSWERS["choices"][question]
        assert set(allowed) <= set(valid)


@pytest.mark.parametrize("owner", ["base", *[f"{s}={o}" for s, o in OPTIONS]])
def test_packages_have_at_most_a_bound(owner: str) -> None:
    seam, _, option = owner.partition("=")
    record = SEAMS[seam][option] if option else CATALOGUE["base"]

    assert set(record.get("packages", {})) <= JOBS
    for requirement in (r for rows in record.get("packages", {}).values() for r in rows):
        assert not {s.operator for s in Requirement(requirement).specifier} & {"==", "===", "~="}


@each_option
def test_what_builds_from_source_is_a_package_beside_what_builds_it(seam: str, option: str) -> None:
    record = SEAMS[seam][option]

    for name in record.get("sources", []):
        jobs = [{Requirement(r).name for r in rows} for rows in record["packages"].values()]
        assert [job for job in jobs if name in job]
        assert all("setuptools" in job for job in jobs if name in job)


@pytest.mark.parametrize("owner", ["base", *[f"{s}={o}" for s, o in OPTIONS]])
def test_a_verb_has_jobs_and_a_line_of_help(owner: str) -> None:
    seam, _, option = owner.partition("=")
    record = SEAMS[seam][option] if option else CATALOGUE["base"]

    for verb in record.get("verbs", {}).values():
        assert set(verb) - {"command", "environment"} == {"jobs", "help"}
        assert set(verb["jobs"]) <= JOBS
        assert "\n" not in verb["help"]


@each_option
def test_the_modules_of_an_option_exist(seam: str, option: str) -> None:
    assert set(SEAMS[seam][option].get("modules", [])) <= modules_in(folder(seam, option))


def test_the_modules_of_every_render_exist() -> None:
    every = modules_in(TEMPLATE)
    for seam, options in SEAMS.items():
        every |= set.intersection(*[modules_in(folder(seam, option)) for option in options])

    assert set(CATALOGUE["base"]["modules"]) <= every


@pytest.mark.parametrize("seam", SEAMS)
def test_the_options_of_a_seam_offer_the_same_functions(seam: str) -> None:
    places = [
        folder(seam, o) / PACKAGE for o in SEAMS[seam] if (folder(seam, o) / PACKAGE).is_dir()
    ]
    shared = set(CATALOGUE["base"]["modules"])

    for module in {m for place in places for m in (f.stem for f in place.glob("*.py"))} & shared:
        offers = [public(place / f"{module}.py") for place in places]
        assert all(offer == offers[0] for offer in offers), module


def test_payload_python_holds_no_jinja_but_in_conftest() -> None:
    assert [path.name for path in payload(".py.jinja")] == ["conftest.py.jinja"]


def test_python_lines_are_free_of_jinja() -> None:
    lines = [
        line
        for path in payload(".py", ".py.jinja")
        for line in path.read_text("utf-8").splitlines()
    ]
    conftest = (TEMPLATE / "tests/conftest.py.jinja").read_text("utf-8").splitlines()

    with_jinja = sum(1 for line in conftest if JINJA.search(line))

    assert with_jinja / len(lines) <= 0.005


def test_every_path_can_be_checked_out_on_windows() -> None:
    paths = [path.relative_to(ROOT).as_posix() for path in payload("")]

    assert not [path for path in paths if re.search(r'["|<>:?*\\\\]|[ .](/|$)', path)]
    assert not [path for path in paths if len(path) > 120]


def test_rendering_runs_no_code() -> None:
    assert not {"_tasks", "_jinja_extensions", "_external_data"} & set(CONVERSATION)


def test_computed_questions_are_listed() -> None:
    hidden = {name for name, question in QUESTIONS.items() if question.get("when") is False}
    checks = {"check_computed", "check_given", "check_name", "guard"}

    assert set(COMPUTED) == hidden | checks


def test_every_question_says_what_it_takes() -> None:
    askable = set(QUESTIONS) - set(COMPUTED)

    listed = {*ANSWERS["texts"], *ANSWERS["numbers"], *ANSWERS["choices"], *SEAMS}

    assert askable == listed


def test_the_guard_is_last() -> None:
    assert list(QUESTIONS)[-1] == "guard"
