"""`deploy --check` finds what is wrong under deploy/lambda, and takes what is right."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.core.errors import SettingsError
from tools.deploy import stack, target, terraform
from tools.deploy.manifests import SCHEMAS

IMAGE = "123456789012.dkr.ecr.eu-central-1.amazonaws.com/model:1"
ROOT = Path(__file__).parents[2]


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The files of the deployment, to be changed."""
    folder = tmp_path / "project"
    for name in ("deploy", "docs", "src", "web"):
        shutil.copytree(ROOT / name, folder / name)
    for name in ("contract.toml", "requirements-serve.lock", "settings.toml"):
        shutil.copy(ROOT / name, folder)
    monkeypatch.setattr(target, "ROOT", folder)
    for name in ("FOLDER", "TEMPLATE", "TERRAFORM"):
        path = getattr(target, name)
        monkeypatch.setattr(target, name, folder / path.relative_to(ROOT))
    return folder


def change(path: Path, old: str, new: str) -> None:
    """Change a file, which must have the text once at least."""
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new), "utf-8")


def faults(*, lint: bool = False) -> Iterator[str]:
    """What is found; by cfn-lint, which takes seconds, only if it is asked."""
    for check in target.checks():
        if lint or "cfn-lint" not in check.what:
            yield from check.look()


def test_what_was_rendered_is_right(project: Path) -> None:
    assert project
    assert list(faults(lint=True)) == []


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("      Timeout: 30", "      Timeot: 30", "'Timeot' was unexpected"),
        ("MemorySize: 1769", "MemorySize: much", "'much' is not of type 'integer'"),
        ("!Ref ImageUri\n", "!Ref ImageUrl\n", "ImageUrl"),
        ("Type: AWS::Logs::LogGroup", "Type: AWS::Logs::Group", "AWS::Logs::Group"),
        ("Type: Image", "Type: Picture", "Picture"),
    ],
)
def test_a_fault_of_the_template_is_found_by_cfn_lint(
    project: Path, old: str, new: str, said: str
) -> None:
    assert project
    change(target.TEMPLATE, old, new)

    found = list(stack.faults(target.TEMPLATE))
    assert any(said in fault for fault in found), found


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("[!Ref Errors,", "[!Ref Errrors,", "!Ref Errrors: nothing is called so"),
        ("Stages:\n    dev:", "Stages:\n    test:", "the stages are dev, staging, prod, not test"),
        ("APP_STORE:", "APP_STOR:", "APP_STORE is missing"),
        ("APP_STORE:", "APP_STOR:", "unknown setting 'stor'"),
        ("APP_API_KEY: !If", "APP_API_KY: !If", "missing: secret APP_API_KEY"),
        (
            "APP_API_KEY: !If",
            "APP_API_KEY: open\n          APP_NAME: !If",
            "APP_API_KEY has its value in Function.Environment",
        ),
        ("dev: {Warm: 0, Most: 2}", "dev: {Warm: 2, Most: 2}", "Most must be larger"),
        ("  Throttles: #", "  Busy: #", "docs/runbook-deploy.md does not say what to do"),
        ("-alarms", "-alerts", "no aws_sns_topic.name there is"),
        ("-${Stage}-${AWS::AccountId}", "-${AWS::AccountId}", "no aws_s3_bucket.bucket there is"),
        ("/api-key:", "/key:", "no aws_secretsmanager_secret.name there is"),
        ("Resources:", "Resources", "no YAML"),
        ("Mappings:", "Mapping:", "it lacks a part: 'Mappings'"),
    ],
)
def test_a_fault_of_the_template_is_found(project: Path, old: str, new: str, said: str) -> None:
    assert project
    change(target.TEMPLATE, old, new)

    found = list(faults())
    assert any(said in fault for fault in found), found


def test_yaml_that_cloudformation_does_not_know(project: Path) -> None:
    assert project
    change(target.TEMPLATE, "    dev: {", "    dev: &same {")
    change(target.TEMPLATE, "    staging: {", "    other: *same\n    staging: {")

    found = next(stack.faults(target.TEMPLATE))
    assert found.endswith("*same: CloudFormation knows no YAML aliases")


@pytest.mark.parametrize(
    ("file", "old", "new", "said"),
    [
        ("store.tf", "block_public_acls ", "block_public_acl ", "no argument block_public_acl"),
        ("store.tf", "= true\n  block", '= "perhaps"\n  block', "is no bool"),
        ("images.tf", "name                 =", "tags =", "name is missing"),
        ("alarms.tf", "aws_sns_topic.alarms.arn", "aws_sns_topic.alarm.arn", "nowhere defined"),
        ("alarms.tf", "alarms.arn", "alarms.address", "aws_sns_topic has no address"),
        ("alarms.tf", "var.email", "var.mail", "var.mail is nowhere defined"),
        ("alarms.tf", '"aws_sns_topic" ', '"aws_sns" ', "no resource aws_sns"),
        ("stack.tf", "-stack", "-role", "no aws_iam_role.name there is"),
        ("store.tf", "{\n", "(\n", "cannot be read"),
    ],
)
def test_a_fault_of_terraform_is_found(
    project: Path, file: str, old: str, new: str, said: str
) -> None:
    change(project / "deploy/lambda/terraform" / file, old, new)

    found = list(faults())
    assert any(said in fault for fault in found), found


@pytest.mark.parametrize("what", [":sub", "StringEquals", "main"])
def test_whoever_trusts_every_job_of_a_ci_host_is_told(project: Path, what: str) -> None:
    file = project / "deploy/lambda/terraform/ci.tf"
    if not file.exists():  # no CI was chosen, so there is nobody to trust
        assert not any("WebIdentity" in str(each) for each in stack.statements(target.TERRAFORM))
        return
    new = {":sub": ":actor", "StringEquals": "StringLike", "main": "*"}[what]
    change(file, what, new)

    assert any(fault.startswith("ci.tf: ci ") for fault in target._trust())


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("handler.handle", "handler.main", "there is no engine.serving.function.handler.main"),
        ("function.handler", "function.main", "there is no engine.serving.function.main.handle"),
        ("COPY src src", "COPY source src", "COPY source: it is not there"),
    ],
)
def test_a_fault_of_the_image_is_found(project: Path, old: str, new: str, said: str) -> None:
    change(project / "deploy/lambda/Dockerfile", old, new)

    assert said in " ".join(faults())


def test_the_runtime_client_must_be_locked(project: Path) -> None:
    change(project / "requirements-serve.lock", "\nawslambdaric==", "\nother==")

    assert any("does not have awslambdaric" in fault for fault in faults())


def test_the_alarm_follows_the_contract(project: Path) -> None:
    change(project / "contract.toml", "p99_ms = ", "p99_ms = 9")

    assert any(fault.startswith("Slow.Threshold: contract.toml says") for fault in faults())


def test_deploying_names_the_account_and_the_region_of_the_image() -> None:
    commands = [" ".join(step.command) for step in target.steps("prod", IMAGE)]

    assert "--platform linux/amd64 --provenance=false" in commands[0]
    assert commands[1] == f"docker push {IMAGE}"
    assert "--region eu-central-1" in commands[2]
    assert "--role-arn arn:aws:iam::123456789012:role/" in commands[2]
    assert commands[2].endswith(f"--parameter-overrides Stage=prod ImageUri={IMAGE}")
    assert "-prod --region" in commands[2]


@pytest.mark.parametrize("image", ["model:latest", IMAGE.replace(":1", ":latest"), IMAGE[:-2]])
def test_an_image_that_lambda_cannot_load_is_refused(image: str) -> None:
    with pytest.raises(SettingsError, match=r"use --image ACCOUNT\.dkr\.ecr"):
        target.steps("prod", image)


def test_the_schema_is_that_of_the_version_that_terraform_takes() -> None:
    schema = terraform.Schema(SCHEMAS / "aws.json")

    assert schema.source == "hashicorp/aws"
    assert f'"{schema.constraint}"' in (target.TERRAFORM / "main.tf").read_text("utf-8")
