"""Level 1: every option alone and every pair of answers render to a sound repository."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from itertools import combinations, product
from pathlib import Path

import pytest
import yaml

from .conftest import ROOT, Render
from .conversation import (
    QUESTIONS,
    SEAMS,
    Answers,
    alone,
    columns,
    completed,
    fits,
    merge,
    of_kind,
    pairs,
)

SETS = alone() | pairs()
BATCH: Answers = {"mode": "batch"}
TEMPLATE = ROOT / "template"
TEXT = {
    ".py",
    ".toml",
    ".yml",
    ".yaml",
    ".json",
    ".md",
    ".lock",
    ".txt",
    ".cfg",
    ".html",
    ".js",
    ".sh",
}
NAMES = "|".join({*QUESTIONS, "_copier_conf", "_copier_answers"})
LEFTOVER = re.compile(
    rf"\{{%-?\s*(if|for|set|endif|endfor|include|from|raw)\b|\{{\{{-?\s*({NAMES})\b"
)
SWITCH = re.compile(r"\{\{ use\.(\w+) \}\}/?")
ADDRESS = re.compile(
    r"pypi\.org|pythonhosted|/simple\b|registry\.npmjs|--(extra-)?index-url|--find-links",
    re.IGNORECASE,
)
MACHINE = re.compile(r"/home/[a-z]+/|/root/|/Users/|[A-Z]:\\Users")


@pytest.fixture(
    params=[
        pytest.param(a, id=name, marks=pytest.mark.xdist_group(name)) for name, a in SETS.items()
    ]
)
def answers(request: pytest.FixtureRequest) -> Answers:
    """One set of answers."""
    chosen: Answers = request.param
    return chosen


@pytest.fixture
def rendered(answers: Answers, render: Render) -> Path:
    """What these answers render to."""
    return render(**answers)


def files(rendered: Path, *suffixes: str) -> list[Path]:
    """The files of a render, those with certain suffixes or all."""
    return [
        f
        for f in sorted(rendered.rglob("*"))
        if f.is_file() and (not suffixes or f.suffix in suffixes)
    ]


def texts(rendered: Path) -> dict[str, str]:
    """The text files of a render by name, without the line that says where the template is."""
    found = {}
    for path in files(rendered):
        if path.suffix in TEXT or path.suffix == "" or path.name.startswith("."):
            lines = path.read_text("utf-8").splitlines()
            found[path.name] = "\n".join(x for x in lines if not x.startswith("_src_path:"))
    return found


def test_the_pairs_are_covered() -> None:
    rows = pairs().values()
    for first, second in combinations(columns(), 2):
        for pair in map(merge, product(first, second)):
            can_be = fits(pair) and completed(pair)
            assert not can_be or any(pair.items() <= row.items() for row in rows)


def test_python_compiles(rendered: Path) -> None:
    for path in files(rendered, ".py"):
        compile(path.read_bytes(), str(path), "exec")


class Tagged(yaml.SafeLoader):
    """Takes tags of other programs, such as CloudFormation's !Ref."""


Tagged.add_multi_constructor("!", lambda _loader, tag, node: (tag, node.value))


def test_data_files_parse(rendered: Path) -> None:
    for path in files(rendered, ".toml"):
        tomllib.loads(path.read_text("utf-8"))
    for path in files(rendered, ".yml", ".yaml"):
        list(yaml.load_all(path.read_text("utf-8"), Tagged))
    for path in files(rendered, ".json"):
        json.loads(path.read_text("utf-8"))


def test_ruff_changes_nothing(rendered: Path) -> None:
    for command in (["format", "--check"], ["check"]):
        done = subprocess.run(
            [sys.executable, "-m", "ruff", *command, "--no-cache", "."],
            cwd=rendered,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr


def test_check_holds_the_payload_to_the_rules_of_a_render(render: Render) -> None:
    """A line that is too long is found by `run.py check`, not by every render of this file."""
    ours, theirs = (
        tomllib.loads((place / "pyproject.toml").read_text("utf-8"))["tool"]["ruff"]
        for place in (ROOT, render())
    )
    assert "template" not in ours["extend-exclude"]
    for setting in ("line-length", "target-version"):
        assert ours[setting] == theirs[setting]
    assert ours["lint"]["select"] == theirs["lint"]["select"]


def test_no_jinja_is_left(rendered: Path, answers: Answers) -> None:
    spelled = {str(value) for value in answers.values()}
    sources = {path.name.removesuffix(".jinja") for path in TEMPLATE.rglob("*.jinja")}
    for name, text in texts(rendered).items():
        found = LEFTOVER.search(text) if name in sources else None  # others are copied as they are
        assert found is None or found[0] in spelled, f"{name}: {found}"
    assert not [path for path in rendered.rglob("*") if "{" in path.name or path.suffix == ".jinja"]


def test_no_folder_is_empty(rendered: Path) -> None:
    assert not [path for path in rendered.rglob("*") if path.is_dir() and not any(path.iterdir())]


def test_a_package_can_be_learnt_at_a_glance(rendered: Path) -> None:
    """As the repository's own test of it does, which comes along only with `engine_tests`."""
    rule = (TEMPLATE / "{{ use.engine_tests }}/tests/engine/test_architecture.py").read_text(
        "utf-8"
    )
    most = int(re.findall(r"(?m)^MOST_NAMES = (\d+)", rule)[0])
    [beside] = re.findall(r"(?m)^OF_A_PLATFORM = \{(.*?)\}", rule)
    for package in (rendered / "src/engine").rglob("__init__.py"):
        names = {
            path.name
            for path in package.parent.iterdir()
            if not path.name.startswith("__")
            and (path.suffix == ".py" or (path / "__init__.py").exists())
        }
        assert len(names - {*re.findall(r'"(.*?)"', beside)}) <= most, (package.parent, names)


def test_the_files_are_those_of_the_chosen_options(rendered: Path) -> None:
    answered = yaml.safe_load((rendered / ".copier-answers.yml").read_text("utf-8"))
    on = {"red_flags"} if (rendered / "docs/decisions/red-flags.md").exists() else set()
    on |= {"engine_tests"} if answered["engine_tests"] else set()
    for seam, options in SEAMS.items():  # a question that one answer fits is not asked
        option = answered.get(seam) or next(
            (o for o in options if fits({**answered, seam: o})), None
        )
        if seam == "kind":  # it follows from the problem
            option = SEAMS["problem"][answered["problem"]]["kind"]
        if option:  # others may keep something for it, where it has no folder of its own
            on |= {f"{seam}_{option}"} | ({seam} if options[option].get("folder", True) else set())
        on |= {*options[option].get("shares", [])} if option else set()
    wanted = set()
    for path in (path for path in TEMPLATE.rglob("*") if path.is_file()):
        inside = path.relative_to(TEMPLATE).as_posix()
        if {*SWITCH.findall(inside)} <= on and not {"__pycache__"} & {*path.parts}:
            wanted.add(SWITCH.sub("", inside).lstrip("/").removesuffix(".jinja"))

    found = {path.relative_to(rendered).as_posix() for path in files(rendered)}

    pages = {path for path in found if re.fullmatch(r"docs/decisions/[a-z-]+\.md", path)}
    ours = {path for path in wanted if "{" not in path}
    assert found - pages == ours - pages | {".copier-answers.yml"}


def test_no_address_and_no_path_of_a_machine(rendered: Path) -> None:
    for name, text in texts(rendered).items():
        for pattern in (ADDRESS, MACHINE):
            found = pattern.search(text)
            assert found is None, f"{name}: {found}"


def test_the_recommended_path_is_what_defaults_render(render: Render) -> None:
    answered = yaml.safe_load((render() / ".copier-answers.yml").read_text("utf-8"))

    assert (answered["model"], answered["tracking"]) == ("boosting", "files")


@pytest.mark.parametrize(
    ("needs", "tool", "expected"),
    [
        ({"team": "several"}, "tracking", "mlflow"),
        ({"team": "hosted"}, "tracking", "wandb"),
        ({"team": "one"}, "tracking", "files"),
        ({"feature_sharing": "several"}, "feature_store", "feast"),
        ({"feature_sharing": "one"}, "feature_store", "tables"),
        ({"feature_sharing": "none"}, "feature_store", "none"),
        ({"p99_ms": 5}, "model", "linear"),
        ({"peak_rps": 5000}, "model", "linear"),
        ({"p99_ms": 6, "peak_rps": 4999}, "model", "boosting"),
        (BATCH, "serving", "prefect"),
        (BATCH | {"rows_per_run": 299_999_999}, "serving", "prefect"),
        (BATCH | {"rows_per_run": 300_000_000}, "serving", "spark"),
        (BATCH | {"trigger": "call", "rows_per_run": 49_999_999}, "serving", "prefect"),
        (BATCH | {"trigger": "call", "rows_per_run": 50_000_000}, "serving", "spark"),
    ],
)
def test_needs_lead_to_a_recommended_tool(
    render: Render, needs: Answers, tool: str, expected: str
) -> None:
    answered = yaml.safe_load((render(**needs) / ".copier-answers.yml").read_text("utf-8"))

    assert answered[tool] == expected


def test_edge_leads_to_the_browser(render: Render) -> None:
    rendered = render(mode="edge")

    assert (rendered / "web/app/index.html").is_file()
    assert not (rendered / "deploy/Dockerfile").exists()
    assert "Recommended for these needs: Browser" in (
        rendered / "docs/decisions/serving.md"
    ).read_text("utf-8")


def test_an_answer_overrides_the_recommendation(render: Render) -> None:
    rendered = render(team="several", tracking="files")

    assert "tracking: files" in (rendered / ".copier-answers.yml").read_text("utf-8")


@pytest.fixture
def faketime() -> str:
    """The program that moves the clock; without it a test is skipped on a desk and fails in CI."""
    found = shutil.which("faketime")
    if found is None and os.environ.get("CI", "").lower() in ("true", "1"):
        pytest.fail("faketime is not installed; in CI the same bytes on another day must be tested")
    if found is None:
        pytest.skip("faketime is not installed (Debian package: faketime)")
    return found


def test_another_day_and_another_machine_give_the_same_bytes(
    template: Path, tmp_path: Path, faketime: str
) -> None:
    copy = [sys.executable, "-m", "copier", "copy", "--defaults", "--quiet"]
    answers = {"tracking": "mlflow", "artifact_store": "s3", "personal_data": "true"}
    answers |= {"project_name": "Churn"}  # which is otherwise the folder's
    data = [f"--data={question}={answer}" for question, answer in answers.items()]
    here, there = tmp_path / "here", tmp_path / "über there" / "on another disk"
    elsewhere = {
        "TZ": "Pacific/Kiritimati",
        "LC_ALL": "C",
        "HOME": str(tmp_path),
        "USER": "somebody",
        "PYTHONHASHSEED": "1",
        "COPIER_CACHE_DIR": str(tmp_path / "cache"),
    }

    subprocess.run([*copy, *data, template, here], check=True)
    subprocess.run(
        [faketime, "2031-02-28 23:59:58", *copy, *data, template, there],
        check=True,
        env={**os.environ, **elsewhere},
        umask=0o077,
    )

    assert len(list(files(here))) > 100
    assert contents(here) == contents(there)


def contents(folder: Path) -> dict[str, tuple[bytes, bool]]:
    """What git keeps of the files: their bytes, and whether they can be executed."""
    return {
        path.relative_to(folder).as_posix(): (path.read_bytes(), bool(path.stat().st_mode & 0o100))
        for path in files(folder)
    }


def test_latency_and_privacy_reach_the_contract(render: Render) -> None:
    for problem in of_kind(["tabular"]):
        rendered = render(problem=problem, p99_ms=7, personal_data="yes", privacy="mask")
        contract = tomllib.loads((rendered / "contract.toml").read_text("utf-8"))

        assert contract["gates"]["p99_ms"] == 7
        assert contract["dataset"]["privacy"] == "mask"


def test_latency_and_privacy_reach_the_contract_of_documents(render: Render) -> None:
    for problem in of_kind(["documents"]):
        rendered = render(problem=problem, p99_ms=7, personal_data="yes")
        contract = tomllib.loads((rendered / "contract.toml").read_text("utf-8"))

        assert contract["gates"]["p99_ms"] == 7
        assert contract["privacy"]["log_questions"] is False


def test_the_contract_of_the_sample_has_every_limit(render: Render) -> None:
    for problem in of_kind(["tabular"]):
        contract = tomllib.loads((render(problem=problem) / "contract.toml").read_text("utf-8"))

        assert {"floor", "slice_gap", "fairness_gap"} <= contract["gates"].keys()


def test_without_personal_data_the_contract_says_nothing_about_privacy(render: Render) -> None:
    contract = tomllib.loads((render() / "contract.toml").read_text("utf-8"))

    assert "privacy" not in contract["dataset"]
