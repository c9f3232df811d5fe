"""Every secret that the server of a render reads is handed on by each of its manifests."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

from extensions.catalogue import owners

from .conftest import ROOT, Render
from .conversation import CATALOGUE

Answers = dict[str, Any]
PLATFORMS: dict[str, Answers] = {
    "http": {"serving": "http"},
    "kubernetes": {"runs_on": "kubernetes", "serving": "kubernetes"},
    "lambda": {"runs_on": "aws", "serving": "lambda", "artifact_store": "s3"},
    "cloud_run": {"runs_on": "google", "serving": "cloud_run", "artifact_store": "gcs"},
}
# What hands a variable to the server, and how it is written there.
HANDED = {
    "http": ("deploy/server.env.example", r"(?m)^#(\w+)=$"),
    "kubernetes": ("deploy/kubernetes/server/deployment.yaml", r"- name: ([A-Z_]+)\n +valueFrom:"),
    "lambda": ("deploy/lambda/template.yaml", r"(?m)^ {10}(\w+): !If$"),
    "cloud_run": ("deploy/cloud-run/service.yaml", r"- name: ([A-Z_]+)\n +valueFrom:"),
}
CHOICES: dict[str, Answers] = {
    "a hosted model": {},
    "a rerank service": {"rerank": "hosted"},
    "pgvector": {"vector_store": "pgvector"},
    "vllm": {"language_model": "vllm"},
    "all": {"rerank": "hosted", "vector_store": "qdrant", "tracing": "opentelemetry"},
}
CASES = [
    pytest.param(platform, choice, id=f"{platform}, {choice}")
    for platform in PLATFORMS
    for choice in CHOICES
    if choice != "vllm" or platform in ("http", "kubernetes")
]
SETTINGS = sorted(ROOT.glob("template/**/src/engine/core/*settings.py"))


def fields() -> set[str]:
    """Every setting there is."""
    text = "\n".join(path.read_text("utf-8") for path in SETTINGS)
    return {*re.findall(r"(?m)^    (\w+): ", text)}


def read(project: Path) -> set[str]:
    """The variables of the keys that code of the server reads; versions are judged elsewhere."""
    files = [*(project / "src/engine").rglob("*.py")]
    text = "\n".join(
        path.read_text("utf-8") for path in files if not {"core", "evaluation"} & {*path.parts}
    )
    return {f"APP_{name.upper()}" for name in {*re.findall(r"\.(\w+_key)\b", text)} & fields()}


def declared(project: Path) -> tuple[dict[str, Any], dict[str, int]]:
    """The secrets of a render, and whom its server asks."""
    run = tomllib.loads((project / "pyproject.toml").read_text("utf-8"))["tool"]["run"]
    return run.get("secrets", {}), run.get("reaches", {})


def rendered_for(render: Render, platform: str, choice: str) -> Path:
    """A repository for documents that is served there."""
    return render(problem="rag", **PLATFORMS[platform], **CHOICES[choice])


@pytest.mark.parametrize(("platform", "choice"), CASES)
def test_each_manifest_hands_on_what_the_server_reads(
    render: Render, platform: str, choice: str
) -> None:
    project = rendered_for(render, platform, choice)
    secrets, _ = declared(project)
    of_server = {name for name, each in secrets.items() if "serve" in each["jobs"]}
    file, form = HANDED[platform]
    given = {*re.findall(form, (project / file).read_text("utf-8"))}
    wanted = read(project)

    assert {"APP_API_KEY", "APP_LLM_KEY", "APP_ENCODER_KEY"} <= wanted
    assert wanted == {name for name in of_server if name.startswith("APP_")}
    assert of_server <= given, file
    assert "APP_JUDGE_KEY" in secrets.keys() - given


@pytest.mark.parametrize(("platform", "choice"), CASES)
def test_the_runbook_names_what_is_handed_on(render: Render, platform: str, choice: str) -> None:
    project = rendered_for(render, platform, choice)
    page = (project / "docs/runbook-deploy.md").read_text("utf-8")

    for name, each in declared(project)[0].items():
        if "setting" in each:
            assert (f"| `{name}` | {each['opens']} |" in page) is ("serve" in each["jobs"]), name


@pytest.mark.parametrize("choice", CHOICES)
def test_the_server_of_a_cluster_is_let_out_where_it_asks(render: Render, choice: str) -> None:
    project = rendered_for(render, "kubernetes", choice)
    policy = (project / "deploy/kubernetes/base/network.yaml").read_text("utf-8")
    opened = {int(port) for port in re.findall(r"\{port: (\d+), protocol: TCP\}", policy)} - {53}

    assert opened == {*declared(project)[1].values()}
    assert (443 in opened) is (choice != "vllm")  # which answers inside of the cluster


def test_a_table_has_no_secret_but_that_of_its_callers(render: Render) -> None:
    served, reaches = declared(render(**PLATFORMS["kubernetes"]))

    assert ({*served}, reaches) == ({"APP_API_KEY"}, {})
    assert declared(render(mode="batch")) == ({}, {})


def test_what_the_catalogue_says_of_secrets_is_so() -> None:
    known = fields()

    for _, record in owners(CATALOGUE):
        for name, each in record.get("secrets", {}).items():
            assert {"opens", "jobs"} <= {*each} <= {"opens", "jobs", "setting"}
            assert name.removeprefix("APP_").lower() in known or not name.startswith("APP_")
            assert each.get("setting", "port") in known or each["setting"].isupper()
        for name, port in record.get("reaches", {}).items():
            assert name in known or name.isupper()
            assert 0 < port < 65536
