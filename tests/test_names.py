"""Names that would break a package are refused with the reason; others give a valid one."""

from __future__ import annotations

import keyword
import re
import sys
from pathlib import Path

import pytest
from copier.errors import UserMessageError
from hypothesis import given, settings
from hypothesis import strategies as st
from jinja2 import FileSystemLoader
from jinja2.sandbox import SandboxedEnvironment

from extensions.names import card_names, locked_names, recorded

from .conftest import ROOT, Render, render_to

ENVIRONMENT = SandboxedEnvironment(
    loader=FileSystemLoader(ROOT),
    extensions=["jinja2_ansible_filters.AnsibleCoreFiltersExtension"],
    trim_blocks=True,
    lstrip_blocks=True,
)
CHECKS = ENVIRONMENT.get_template("questions/checks.jinja").module


def slug(name: str) -> str:
    """The package name that the template derives."""
    return str(CHECKS.slug(name))  # type: ignore[attr-defined]


def problem(name: str) -> str:
    """Why a package name is refused, or nothing."""
    return str(CHECKS.package_problem(name)).strip()  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("class", "keyword"),
        ("json", "standard library"),
        ("pandas", "dependency"),
        ("sklearn", "dependency"),
        ("scikit_learn", "dependency"),
        ("prometheus_client", "dependency"),
        ("nvidia", "dependency"),
        ("cuda", "dependency"),
        ("triton", "dependency"),
        ("3d", "digit"),
        ("two words", "lower-case ASCII"),
        ("Churn", "lower-case ASCII"),
        ("über", "lower-case ASCII"),
        ("_private", "lower-case ASCII"),
        ("trailing_", "lower-case ASCII"),
        ("two__lines", "lower-case ASCII"),
        ("has-dash", "lower-case ASCII"),
        ("line\n", "lower-case ASCII"),
        ("a" * 51, "51 characters"),
        ("tests", "folder of the tests"),
        ("con", "Windows"),
        ("", "no ASCII letter"),
    ],
)
def test_a_package_name_that_breaks_is_refused(name: str, reason: str) -> None:
    assert reason in problem(name)


@pytest.mark.parametrize("name", [k for k in (*keyword.kwlist, *keyword.softkwlist) if k.islower()])
def test_every_keyword_is_refused(name: str) -> None:
    assert problem(name) or name == "type"


def test_every_module_of_the_standard_library_is_refused() -> None:
    public = {name for name in sys.stdlib_module_names if re.fullmatch(r"[a-z][a-z0-9_]*", name)}

    assert not {name for name in public if not problem(name)}


def test_every_locked_package_is_refused() -> None:
    assert locked_names() <= recorded("locked")
    assert card_names() <= recorded("locked")
    assert card_names() >= {"nvidia", "cuda", "triton"}


@pytest.mark.parametrize(
    ("project", "package"),
    [
        ("Churn", "churn"),
        ("Next Best Offer", "next_best_offer"),
        ("Prévision d'été", "prevision_d_ete"),
        ("Straßen-Größe", "strassen_groesse"),
        ("  spaces  ", "spaces"),
        ("v2.0 (beta)", "v2_0_beta"),
        ("模型 model", "model"),
    ],
)
def test_a_project_name_gives_a_package_name(project: str, package: str) -> None:
    assert (slug(project), problem(package)) == (package, "")


@pytest.mark.parametrize(
    "project", ["Pandas", "Class", "3D shapes", "прогноз", "予測", "JSON", "!!!"]
)
def test_a_project_name_without_a_valid_package_name_is_refused(
    template: Path, tmp_path: Path, project: str
) -> None:
    with pytest.raises(UserMessageError) as refusal:
        render_to(template, tmp_path / "new", {"project_name": project})

    assert f"project_name={project}" in str(refusal.value)
    assert not (tmp_path / "new").exists()


def test_the_way_out_works(render: Render) -> None:
    rendered = render(project_name="予測", package_name="forecast")

    assert (rendered / "src/forecast").is_dir()


@pytest.mark.parametrize(
    ("project", "offered"),
    [("Churn", "churn"), ("Pandas", "pandas_project"), ("3D", "d_project"), ("予測", "project")],
)
def test_the_name_offered_at_the_prompt_is_valid(project: str, offered: str) -> None:
    assert str(CHECKS.suggestion(project)) == offered  # type: ignore[attr-defined]
    assert problem(offered) == ""


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=60))
def test_any_text_gives_a_reason_or_an_importable_name(text: str) -> None:
    name = slug(text)

    assert problem(name) or (name.isidentifier() and name.isascii() and not keyword.iskeyword(name))
