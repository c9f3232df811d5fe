"""Any project name gives a name for the distribution and the image."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from jinja2 import FileSystemLoader
from jinja2.sandbox import SandboxedEnvironment

from .conftest import ROOT, Render

ENVIRONMENT = SandboxedEnvironment(
    loader=FileSystemLoader(ROOT),
    extensions=["jinja2_ansible_filters.AnsibleCoreFiltersExtension"],
    trim_blocks=True,
    lstrip_blocks=True,
)
MODULE = ENVIRONMENT.get_template("questions/slug.jinja").module
FOLDER = ENVIRONMENT.get_template("questions/folder.jinja").module
CHECKS = ENVIRONMENT.get_template("questions/checks.jinja").module


def slug(name: str) -> str:
    """The name that the template derives."""
    return str(MODULE.slug(name))  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("project", "name"),
    [
        ("Churn", "churn"),
        ("Next Best Offer", "next-best-offer"),
        ("Prévision d'été", "prevision-d-ete"),
        ("Straßen-Größe", "strassen-groesse"),
        ("v2.0 (beta)", "v2-0-beta"),
        ("模型 model", "model"),
        ("3D", "3d"),
        ("予測", "my-project"),
        ("!!!", "my-project"),
    ],
)
def test_a_project_name_gives_a_name_of_plain_letters(project: str, name: str) -> None:
    assert slug(project) == name


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=80))
def test_any_text_gives_a_name_that_packages_and_images_may_have(text: str) -> None:
    assert re.fullmatch("[a-z0-9]+(-[a-z0-9]+)*", slug(text))


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=80))
def test_any_text_gives_a_name_that_a_cluster_takes(text: str) -> None:
    source = "{% from 'includes/kubernetes' import name with context %}{{ name() }}"
    name = ENVIRONMENT.from_string(source).render(slug=slug(text))

    assert re.fullmatch("[a-z][a-z0-9]*(-[a-z0-9]+)*", name)
    assert len(name) <= 36


def test_the_name_reaches_the_files_that_need_one(render: Render) -> None:
    rendered: Path = render(project_name="Où 2", feature_store="feast")
    project = tomllib.loads((rendered / "pyproject.toml").read_text("utf-8"))["project"]
    feast = yaml.safe_load((rendered / "feature_repo/feature_store.yaml").read_text("utf-8"))

    assert project["name"] == "ou-2"
    assert "docker build -f deploy/Dockerfile -t ou-2 ." in (
        rendered / "deploy/Dockerfile"
    ).read_text("utf-8")
    assert feast["project"] == "ou_2"


def named_after(folder: str) -> str:
    """The name of a project that is made in this folder."""
    return str(FOLDER.named_after(folder, 80))  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("folder", "name"),
    [
        ("churn-scorer", "Churn scorer"),
        ("next_best.offer", "Next best offer"),
        ("FraudML", "FraudML"),
        ("  \u202e--", "My model"),
    ],
)
def test_a_project_is_called_after_its_folder(folder: str, name: str) -> None:
    assert named_after(folder) == name


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=255))
def test_every_folder_gives_a_name_that_is_accepted(folder: str) -> None:
    assert not str(CHECKS.text_problem(named_after(folder), 80))  # type: ignore[attr-defined]
