"""AWS Lambda: the stack of deploy/lambda/template.yaml, and Terraform for what comes before it."""

import re
from collections.abc import Callable, Iterator
from typing import Any

from engine.contract.read import load_contract
from engine.core.errors import ProjectError, SettingsError
from engine.core.settings import load_settings

from . import DEPLOY, ROOT, Check, Step, handed, read_text, stack, terraform
from .manifests import SCHEMAS

NAME = "AWS Lambda"
STAGES = ("dev", "staging", "prod")
PROGRAMS = {
    "aws": "AWS CLI 2; then aws configure sso, or a role lent by the CI host",
    "docker": "Docker Engine with its plugin buildx",
}
FOLDER = DEPLOY / "lambda"
TEMPLATE, TERRAFORM = FOLDER / "template.yaml", FOLDER / "terraform"
IMAGE = re.compile(r"(\d{12})\.dkr\.ecr\.([a-z0-9-]+)\.amazonaws\.com/[^:@]+:([^:@]+)")
SAME = {"${Stage}": "STAGE", "${AWS::AccountId}": "ACCOUNT"}  # in the stack, as Terraform says it:
VALUES = {"each.key": "STAGE", "local.account": "ACCOUNT"}


def checks() -> list[Check]:
    """What can be said of the files without an account."""
    return [
        Check("deploy/lambda/template.yaml is what CloudFormation takes (cfn-lint)", _template),
        Check("deploy/lambda/template.yaml fits this project", _caught(_fits)),
        Check(f"the function is handed its secrets{_missing()}", _caught(_handed)),
        Check("deploy/lambda/Dockerfile has what the function needs", _image),
        Check("deploy/lambda/terraform fits the provider's schema", _terraform),
        Check("deploy/lambda/terraform lends roles to this repository alone", _caught(_trust)),
        Check("deploy/lambda/terraform makes what template.yaml names", _caught(_made)),
    ]


def steps(stage: str, image: str) -> list[Step]:
    """Build and push the image, change the stack, show where it answers.

    Raises SettingsError for an image that Lambda could not load.
    """
    found = IMAGE.fullmatch(image)
    if not found or found[3] == "latest":
        raise SettingsError(
            f"--image {image}: Lambda takes an image from ECR, and a tag is written once there; "
            "use --image ACCOUNT.dkr.ecr.REGION.amazonaws.com/NAME:TAG with a new TAG"
        )
    account, region, _ = found.groups()
    name = stack.named(stack.read(TEMPLATE)["Resources"]["Function"]["Properties"]["FunctionName"])
    where = ["--stack-name", name.replace("${Stage}", stage), "--region", region]
    role = f"arn:aws:iam::{account}:role/{name.removesuffix('-${Stage}')}-stack"
    build = ["docker", "build", "--platform", "linux/amd64", "--provenance=false"]
    change = ["aws", "cloudformation", "deploy", "--template-file", "deploy/lambda/template.yaml"]
    may = ["--capabilities", "CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND", "--role-arn", role]
    told = ["--parameter-overrides", f"Stage={stage}", f"ImageUri={image}"]
    show = ["aws", "cloudformation", "describe-stacks", "--query", "Stacks[0].Outputs"]
    return [
        Step("build the image", [*build, "-f", "deploy/lambda/Dockerfile", "-t", image, "."]),
        Step("push it (docker login: docs/runbook-deploy.md)", ["docker", "push", image]),
        Step("change the stack", [*change, *where, *may, "--no-fail-on-empty-changeset", *told]),
        Step("show where it answers", [*show, *where]),
    ]


def _caught(look: Callable[[], Iterator[str]]) -> Callable[[], Iterator[str]]:
    """A look to which a file that cannot be read, or lacks a part, is one more fault."""

    def caught() -> Iterator[str]:
        try:
            yield from look()
        except (ProjectError, ValueError) as error:
            yield str(error)
        except (KeyError, TypeError) as error:
            yield f"it lacks a part: {error}"

    return caught


def _template() -> Iterator[str]:
    yield from stack.faults(TEMPLATE)


def _fits() -> Iterator[str]:
    found = stack.read(TEMPLATE)
    told = found["Parameters"]["Stage"]["AllowedValues"], list(found["Mappings"]["Stages"])
    for names in told:
        if tuple(names) != STAGES:
            yield f"the stages are {', '.join(STAGES)}, not {', '.join(map(str, names))}"
    for name, stage in found["Mappings"]["Stages"].items():
        if not 0 <= stage["Warm"] < stage["Most"]:
            yield f"Stages.{name}: Most must be larger than Warm, or no other version can start"
    known = {*found["Parameters"], *found["Resources"]}
    for name in sorted(stack.references(found)):  # cfn-lint looks into no DeploymentPreference
        if name not in known:
            yield f"!Ref {name}: nothing is called so"
    function = found["Resources"]["Function"]["Properties"]
    variables = function["Environment"]["Variables"]
    try:
        load_settings(ROOT / "settings.toml", dict.fromkeys(variables, "1"))
    except ProjectError as error:
        yield f"Function.Environment: {error}"
    if "APP_STORE" not in variables:
        yield "Function.Environment: APP_STORE is missing; the function has no disk of its own"
    wanted = load_contract(ROOT / "contract.toml").gates.p99_ms
    if found["Resources"]["Slow"]["Properties"]["Threshold"] != wanted:
        yield f"Slow.Threshold: contract.toml says p99_ms = {wanted:g}"
    runbook = (ROOT / "docs" / "runbook-deploy.md").read_text("utf-8")
    for name, resource in found["Resources"].items():
        is_alarm = resource["Type"] == "AWS::CloudWatch::Alarm"
        if is_alarm and f"\n## {name}\n" not in runbook:
            yield f"{name}: docs/runbook-deploy.md does not say what to do"


def _handed() -> Iterator[str]:
    """A text is a value, unless CloudFormation resolves it."""
    found = stack.read(TEMPLATE)["Resources"]["Function"]["Properties"]["Environment"]["Variables"]
    told = {name: None if _is_resolved(value) else value for name, value in found.items()}
    yield from handed.faults(told, "Function.Environment")


def _is_resolved(value: object) -> bool:
    return not isinstance(value, str) or value.startswith("{{resolve:")


def _missing() -> str:
    return handed.missing({}, (), "unless its version is a parameter of the stack")


def _image() -> Iterator[str]:
    image = read_text(FOLDER / "Dockerfile")
    for source in re.findall(r"^COPY (?!--)(\S+)", image, re.M):
        if not (ROOT / source).exists():
            yield f"COPY {source}: it is not there"
    [handler] = re.findall(r'^CMD \["([\w.]+)"\]', image, re.M) or [""]
    module, _, name = handler.rpartition(".")
    file = ROOT / "src" / f"{module.replace('.', '/')}.py"
    if not file.is_file() or f"\n{name} = " not in file.read_text("utf-8"):
        yield f"CMD: there is no {handler or 'handler'}"
    if "\nawslambdaric==" not in (ROOT / "requirements-serve.lock").read_text("utf-8"):
        yield "requirements-serve.lock does not have awslambdaric, which ENTRYPOINT starts"


def _terraform() -> Iterator[str]:
    yield from terraform.faults(TERRAFORM, terraform.Schema(SCHEMAS / "aws.json"))


def _trust() -> Iterator[str]:
    """Whoever trusts a CI host without saying whose jobs trusts everybody's."""
    for file, name, statement in stack.statements(TERRAFORM):
        if "sts:AssumeRoleWithWebIdentity" not in statement.get("actions", []):
            continue
        told = {each["variable"].rpartition(":")[2]: each for each in statement["condition"]}
        for part in ("aud", "sub"):
            if part not in told or told[part]["test"] != "StringEquals":
                yield f"{file}: {name} needs a condition StringEquals on ...:{part}"
            elif any("*" in value for value in told[part]["values"]):
                yield f"{file}: {name} takes a * in ...:{part}"


def _made() -> Iterator[str]:
    template = read_text(TEMPLATE)
    for there, here in SAME.items():
        template = template.replace(there, here)
    made = terraform.made(TERRAFORM, VALUES)
    name = stack.named(stack.read(TEMPLATE)["Resources"]["Function"]["Properties"]["FunctionName"])
    named: dict[str, Any] = {
        "aws_s3_bucket.bucket": set(re.findall(r"(?:s3://|:s3:::)([\w-]+)", template)),
        "aws_secretsmanager_secret.name": set(re.findall(r"secretsmanager:([^:]+):", template)),
        "aws_sns_topic.name": set(re.findall(r":sns:[^\"]+:([\w-]+)\"", template)),
        "aws_iam_role.name": {f"{name.removesuffix('-${Stage}')}-stack"},
    }
    for what, names in named.items():
        if not names:
            yield f"template.yaml names no {what}"
        for missing in sorted(names - made.get(what, set())):
            yield f"no {what} there is {missing}"
