"""Level 0: the catalogue, the folders and the questions say the same."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement

from extensions.catalogue import owners
from extensions.locks import universe

from .conversation import (
    ASKABLE,
    CATALOGUE,
    CHOICES,
    CONVERSATION,
    LIMITS,
    OPTIONS,
    QUESTIONS,
    SEAMS,
)

ROOT = Path(__file__).resolve().parent.parent
TEMPLATE = ROOT / "template"
PACKAGES = ("src/app", "src/engine")
JOBS = {"serve", "train", "monitor", "notebook", "dev"}
DECISION = {"problem", "how", "trade_offs", "rejected", "revisit_when"}
BROUGHT = {"besides", "builds", "change_it", "debian", "decisions", "environments", "ignored"}
BROUGHT |= {"packages", "reaches", "readme", "secrets", "settings", "sources", "verbs"}
OPTIONAL = {"about", "folder", "install", "kind", "needs", "price", "shares"}
OPTIONAL |= {"stages", "steps", "with"}
OWNERS = dict(owners(CATALOGUE))
RECOMMENDED = {*re.findall(r"(?m)^(\w+): ", QUESTIONS["recommended"]["default"])}
SWITCH = re.compile(r"\{\{ use\.(\w+) \}\}/?")
SHARED = {name for seam, option in OPTIONS for name in SEAMS[seam][option].get("shares", [])}
SWITCHES = {"red_flags", "engine_tests", *SHARED, *SEAMS, *OWNERS} - {"base"}
JINJA = re.compile(r"\{\{ (?!registry =)[a-z_]|\{% |\{# ")
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


def seams_met(place: Path) -> dict[str, Path]:
    """The modules that a folder brings to the packages, by their path in a render."""
    found = {}
    for file in place.rglob("*.py"):
        path = SWITCH.sub("", file.relative_to(place).as_posix()).lstrip("/")
        if path.startswith(PACKAGES) and not file.stem.startswith("__"):
            found[path] = file
    return found


def public(module: Path) -> dict[str, list[str]]:
    """The public functions of a module and the names of their arguments."""
    body = ast.parse(module.read_text("utf-8")).body
    return {
        node.name: [argument.arg for argument in (*node.args.args, *node.args.kwonlyargs)]
        for node in body
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and not node.name.startswith("_")
    }


def test_every_folder_has_a_switch_and_every_record_its_folder() -> None:
    first = {path.name for path in TEMPLATE.iterdir() if SWITCH.fullmatch(path.name)}
    every = {name for path in payload("") for name in SWITCH.findall(str(path))}
    wanted = {folder(s, o).name for s, o in OPTIONS if SEAMS[s][o].get("folder", True)}

    assert every <= SWITCHES
    assert wanted <= first
    assert not first & {folder(s, o).name for s, o in OPTIONS} - wanted
    assert {f"{{{{ use.{name} }}}}" for name in SHARED} <= first


def test_no_two_switches_have_one_name() -> None:
    names = [
        name
        for seam, options in SEAMS.items()
        for name in (seam, *(f"{seam}_{o}" for o in options))
    ]

    names += [*SHARED]
    assert len({"base", "red_flags", "engine_tests", *names}) == len(names) + 3


def test_a_module_that_looks_for_run_py_counts_its_folders_right() -> None:
    found = {}
    for file in payload(".py"):
        for count in re.findall(
            r'__file__\)\.parents\[(\d)\] / "run\.py"', file.read_text("utf-8")
        ):
            path = SWITCH.sub("", file.relative_to(TEMPLATE).as_posix())
            found[path] = int(count) - path.count("/")

    assert found
    assert set(found.values()) == {0}, found


def is_taken_by_all_kinds(path: str) -> bool:
    """Whether code that knows no kind imports this module of a kind."""
    module = path.removeprefix("src/").removesuffix(".py").replace("/", ".")
    package, _, name = module.rpartition(".")
    asked = re.compile(rf"from {re.escape(package)}(\.{name} import|\s+import .*\b{name}\b)")
    places = (TEMPLATE / "src", TEMPLATE / "{{ use.mode_real_time }}/src")
    files = [file for place in places for file in place.rglob("*.py")]
    return any(asked.search(file.read_text("utf-8")) for file in files)


@each_option
def test_a_record_is_complete(seam: str, option: str) -> None:
    record: dict[str, Any] = SEAMS[seam][option]
    shared = {key: value for key, value in CATALOGUE[seam].items() if key in DECISION}
    own = {"label", "when", *DECISION} - {*shared}

    assert own <= set(record) <= own | BROUGHT | OPTIONAL
    assert all(str({**shared, **record}[key]).strip() for key in {"label", "when"} | DECISION)


def test_every_mode_says_what_up_ends_with() -> None:
    assert all(record["steps"] for record in SEAMS["mode"].values())


@pytest.mark.parametrize("question", [name for name in CHOICES if name != "kind"])
def test_a_choice_fits_into_72_columns_as_it_is_offered(question: str) -> None:
    record = CATALOGUE.get(question) or LIMITS["choices"][question]
    room = 72 - len(" (recommended)") * (question in RECOMMENDED)

    for option in record["options"].values():
        price = f"; {option['price']}" if "price" in option else ""
        assert len(f"{option['label']} - {option['when']}{price}") <= room


@each_option
def test_the_price_of_an_option_is_what_its_record_says(seam: str, option: str) -> None:
    record, price = SEAMS[seam][option], SEAMS[seam][option].get("price", "")
    text = f"{record['how']} {record.get('trade_offs')}"
    brings = {"packages", "environments", "besides", "sources"} & set(record)

    assert price or seam in ("problem", "kind")
    assert not (brings and price == "no extra")
    assert all(size in text for size in re.findall(r"\d+ MB", price))
    assert ("Java" in price) is ("Java" in record.get("besides", ""))
    assert ("account" in price) <= bool(re.search("credentials|account|GitHub|GitLab", str(record)))


@pytest.mark.parametrize("name", ASKABLE)
def test_a_question_fits_beside_its_number(name: str) -> None:
    assert len(f" 20 of 20  {QUESTIONS[name]['help']}") <= 79


@pytest.mark.parametrize("name", ASKABLE)
def test_what_a_question_and_its_options_depend_on_is_asked_before(name: str) -> None:
    record = CATALOGUE.get(name) or {**LIMITS["numbers"], **LIMITS["choices"]}.get(name, {})
    asking = [record.get("applies", {})]
    asking += [option.get("needs", {}) for option in record.get("options", {}).values()]
    before = {*ASKABLE[: ASKABLE.index(name)], "kind"}
    # of a question that is asked later, only what fits is offered then
    later = {*SEAMS, *LIMITS["choices"]} - before

    assert {question for each in asking[:1] for question in each} <= before
    assert {question for each in asking for question in each} <= before | later


def test_needs_come_first_and_paperwork_last() -> None:
    paperwork = ASKABLE.index(next(iter(LIMITS["texts"])))

    assert ASKABLE[:2] == ["problem", "mode"]
    assert {*LIMITS["texts"], "licence", "ci", "python_minor"} <= set(ASKABLE[paperwork:])
    assert not set(ASKABLE[paperwork:]) & (RECOMMENDED & set(SEAMS) | set(LIMITS["numbers"]))


@pytest.mark.parametrize("seam", SEAMS)
def test_a_seam_has_a_title_and_options(seam: str) -> None:
    assert {"title", "options"} <= set(CATALOGUE[seam])
    assert set(CATALOGUE[seam]) <= {"title", "options", "applies", "with"} | BROUGHT | DECISION


@pytest.mark.parametrize("owner", [name for name in OWNERS if "+" in name])
def test_what_is_brought_beside_another_option_has_its_place(owner: str) -> None:
    assert owner.split("+")[1] in {f"{seam}_{option}" for seam, option in OPTIONS}
    assert set(OWNERS[owner]) <= BROUGHT


@pytest.mark.parametrize("owner", [name for name in OWNERS if OWNERS[name].get("decisions")])
def test_a_decision_of_a_record_is_complete(owner: str) -> None:
    pages = {seam.replace("_", "-") for seam in SEAMS}

    for file, decision in OWNERS[owner]["decisions"].items():
        assert set(decision) == {"title"} | DECISION
        assert all(str(text).strip() for text in decision.values())
        assert file not in pages


@pytest.mark.parametrize("owner", [name for name in OWNERS if OWNERS[name].get("readme")])
def test_what_a_record_says_in_the_readme_has_a_place_there(owner: str) -> None:
    page = (TEMPLATE / "README.md.jinja").read_text("utf-8")
    agents = (TEMPLATE / "AGENTS.md.jinja").read_text("utf-8")

    for part, lines in OWNERS[owner]["readme"].items():
        assert f"told.{part} " in page or f"readme.{part}'" in agents
        assert lines.endswith("\n")


def test_every_problem_is_of_a_kind() -> None:
    assert {record["kind"] for record in SEAMS["problem"].values()} == set(SEAMS["kind"])


def test_what_a_record_asks_for_can_be_answered() -> None:
    asking = [record.get("needs", {}) for record in OWNERS.values()]
    asking += [
        each.get("applies", {}) for each in (*CATALOGUE.values(), *LIMITS["numbers"].values())
    ]
    asking += [each.get("applies", {}) for each in LIMITS["choices"].values()]

    for question, allowed in (pair for needs in asking for pair in needs.items()):
        assert set(allowed) <= set(
            (CATALOGUE.get(question) or LIMITS["choices"][question])["options"]
        )


@pytest.mark.parametrize(
    "question", [name for name in ASKABLE if name in CHOICES or name in LIMITS["numbers"]]
)
def test_a_question_that_may_be_skipped_says_so(question: str) -> None:
    record = CATALOGUE.get(question) or {**LIMITS["numbers"], **LIMITS["choices"]}[question]
    may = "applies" in record or any("needs" in o for o in record.get("options", {}).values())
    before = ASKABLE[: ASKABLE.index(question)]
    others = [option for seam in before if seam in SEAMS for option in SEAMS[seam].values()]
    may = may or (question in SEAMS and any(question in o.get("needs", {}) for o in others))

    assert (f"{{{{ asked('{question}') }}}}" in str(QUESTIONS[question].get("when"))) is may


@pytest.mark.parametrize("owner", OWNERS)
def test_packages_have_at_most_a_bound(owner: str) -> None:
    packages = OWNERS[owner].get("packages", {})

    assert set(packages) <= JOBS
    for requirement in (r for rows in packages.values() for r in rows):
        assert not {s.operator for s in Requirement(requirement).specifier} & {"==", "===", "~="}


def test_no_locked_package_is_called_like_a_package_of_a_render() -> None:
    locked = {name for minor in universe.MINORS for name in universe.read(minor).packages}
    for file in (ROOT / "requirements.lock", *TEMPLATE.rglob("requirements.lock*")):
        locked |= {*re.findall(r"(?m)^([\w.-]+)==", file.read_text("utf-8"))}

    assert len(locked) > 250
    assert not {"app", "engine"} & locked


@each_option
def test_what_builds_from_source_is_a_package_beside_what_builds_it(seam: str, option: str) -> None:
    record = SEAMS[seam][option]

    for name in record.get("sources", []):
        jobs = [{Requirement(r).name for r in rows} for rows in record["packages"].values()]
        assert [job for job in jobs if name in job]
        assert all("setuptools" in job for job in jobs if name in job)


@pytest.mark.parametrize("owner", OWNERS)
def test_a_verb_has_jobs_and_a_line_of_help(owner: str) -> None:
    for verb in OWNERS[owner].get("verbs", {}).values():
        assert set(verb) - {"command", "environment", "example"} == {"group", "jobs", "help"}
        assert verb["group"] in CATALOGUE["base"]["groups"]
        assert set(verb["jobs"]) <= JOBS
        assert "\n" not in verb["help"]


@pytest.mark.parametrize("seam", SEAMS)
def test_the_options_of_a_seam_offer_the_same_functions(seam: str) -> None:
    brought = [seams_met(folder(seam, option)) for option in SEAMS[seam]]
    brought = [modules for modules in brought if modules]

    for path in set.intersection(*map(set, brought)) if brought else set():
        if seam == "kind" and not is_taken_by_all_kinds(path):
            continue  # two kinds may call different things by one name
        offers = [public(modules[path]) for modules in brought]
        shared = set.intersection(*map(set, offers))  # an option may have more than the seam asks
        assert shared or not any(offers), path
        assert all(offer[name] == offers[0][name] for offer in offers for name in shared), path


def test_what_all_kinds_offer_is_found() -> None:
    assert is_taken_by_all_kinds("src/engine/registry/bundle.py")
    assert not is_taken_by_all_kinds("src/engine/contract/schema.py")


def test_no_python_of_a_render_holds_jinja() -> None:
    lines = [line for path in payload(".py") for line in path.read_text("utf-8").splitlines()]

    assert payload(".py.jinja") == []
    assert len(lines) > 10_000
    assert [line for line in lines if JINJA.search(line)] == []


def test_every_path_can_be_checked_out_on_windows() -> None:
    paths = [path.relative_to(ROOT).as_posix() for path in payload("")]

    assert not [path for path in paths if re.search(r'["|<>:?*\\\\]|[ .](/|$)', path)]
    assert not [path for path in paths if len(path) > 120]


def test_rendering_runs_no_code() -> None:
    assert not {"_tasks", "_jinja_extensions", "_external_data"} & set(CONVERSATION)


def test_every_question_says_what_it_takes() -> None:
    listed = {*LIMITS["texts"], *LIMITS["numbers"], *LIMITS["choices"], *SEAMS} - {"kind"}

    assert set(ASKABLE) == listed


def test_a_choice_is_told_in_one_short_line() -> None:
    labels = [
        o["label"]
        for q in (*LIMITS["choices"].values(), *CATALOGUE.values())
        for o in q.get("options", {}).values()
    ]

    assert all(len(label) <= 72 for label in labels)


def test_the_guard_is_last() -> None:
    assert list(QUESTIONS)[-1] == "guard"
