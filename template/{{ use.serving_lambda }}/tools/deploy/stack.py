"""A template of CloudFormation, as data and as cfn-lint sees it; and statements of Terraform."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import hcl2
import yaml
from hcl2.utils import SerializationOptions
from lark.exceptions import UnexpectedInput

from . import read_text

REGION = "eu-central-1"  # what differs between regions is which types they have
AS = SerializationOptions(strip_string_quotes=True, explicit_blocks=False)


class _Loader(yaml.SafeLoader):
    """YAML with the short forms of functions, such as !Ref."""


def _function(loader: yaml.Loader, tag: str, node: yaml.Node) -> dict[str, Any]:
    if isinstance(node, yaml.ScalarNode):
        return {tag: loader.construct_scalar(node)}
    if isinstance(node, yaml.SequenceNode):
        return {tag: loader.construct_sequence(node, deep=True)}
    assert isinstance(node, yaml.MappingNode)
    return {tag: loader.construct_mapping(node, deep=True)}


_Loader.add_multi_constructor("!", _function)


def read(path: Path) -> dict[str, Any]:
    """A template; `!Ref x` is {"Ref": "x"}.

    Raises ValueError naming the line where it cannot be read.
    """
    try:
        found = yaml.load(read_text(path), Loader=_Loader)
    except yaml.YAMLError as error:
        raise ValueError(f"{path.name} is no YAML: {' '.join(str(error).split())}") from None
    if not isinstance(found, dict):
        raise ValueError(f"{path.name} is no template")
    return found


def named(value: Any) -> str:
    """The text of a name, its parameters as they stand there."""
    return str(value["Sub"]) if isinstance(value, dict) else str(value)


def references(value: Any) -> set[str]:
    """What is referred to by name with !Ref, but for what CloudFormation knows itself."""
    if isinstance(value, list):
        return set().union(*map(references, value))
    if not isinstance(value, dict):
        return set()
    found = set().union(*map(references, value.values()))
    name = value.get("Ref", "AWS::")
    return found if name.startswith("AWS::") else found | {name.partition(".")[0]}


def faults(path: Path) -> Iterator[str]:
    """What cfn-lint says of a template, and of YAML that only CloudFormation does not know."""
    from cfnlint.api import ManualArgs, lint  # it takes seconds to load

    content = read_text(path)
    try:
        read(path)
        for event in yaml.parse(content, Loader=_Loader):
            if isinstance(event, yaml.AliasEvent):
                yield f"*{event.anchor}: CloudFormation knows no YAML aliases"
    except ValueError as error:
        yield str(error)
        return
    for match in lint(content, config=ManualArgs(regions=[REGION])):
        yield f"line {match.linenumber}: {match.message} ({match.rule.id})"


def statements(folder: Path) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """The statements of all policies in *.tf files: the file, the policy, the statement."""
    for path in sorted(folder.glob("*.tf")):
        try:
            content = hcl2.loads(read_text(path), serialization_options=AS)
        except UnexpectedInput:  # terraform.py says where
            continue
        for data in content.get("data", []):
            for name, policy in data.get("aws_iam_policy_document", {}).items():
                for statement in policy.get("statement", []):
                    yield path.name, name, statement
