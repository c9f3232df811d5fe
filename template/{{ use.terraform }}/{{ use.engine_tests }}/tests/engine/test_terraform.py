"""Terraform files against a schema: each kind of fault is found, and said where it is."""

import json
from pathlib import Path

import pytest

from tools.deploy import terraform

SCHEMA = {
    "version": "6.50.0",
    "provider_schemas": {
        "hashicorp/cloud": {
            "data_source_schemas": {"cloud_zone": {"block": {"attributes": {}, "block_types": {}}}},
            "resource_schemas": {
                "cloud_bucket": {
                    "block": {
                        "attributes": {
                            "name": {"type": "string", "required": True},
                            "days": {"type": "number", "optional": True},
                            "locked": {"type": "bool", "optional": True},
                            "labels": {"type": ["map", "string"], "optional": True},
                            "readers": {"type": ["list", "string"], "optional": True},
                            "url": {"type": "string", "computed": True},
                        },
                        "block_types": {
                            "rule": {
                                "nesting_mode": "list",
                                "min_items": 1,
                                "max_items": 2,
                                "block": {
                                    "attributes": {"age": {"type": "number", "required": True}},
                                    "block_types": {},
                                },
                            }
                        },
                    }
                }
            },
        }
    },
}
TEXT = """
terraform {
  required_providers {
    cloud = {
      source  = "hashicorp/cloud"
      version = "~> 6.50"
    }
  }
}
variable "stage" {
  type = string
}
locals {
  short = "churn"
  where = "${local.short}-${var.stage}"
}
data "cloud_zone" "here" {}
resource "cloud_bucket" "models" {
  for_each = toset(["a", "b"])
  name     = "${local.short}-models"
  days     = "30"
  locked   = true
  labels   = { zone = data.cloud_zone.here.id, (var.stage) = each.key }
  readers  = ["${var.stage}@example.com"]
  rule {
    age = var.stage == "prod" ? 365 : 30
  }
}
output "url" {
  value = "go to ${cloud_bucket.models["a"].url}, not to cloud_bucket.nowhere.url"
}
"""


@pytest.fixture
def schema(tmp_path: Path) -> terraform.Schema:
    """The schema, read from a file."""
    (tmp_path / "schema.json").write_text(json.dumps(SCHEMA))
    return terraform.Schema(tmp_path / "schema.json")


def faults(folder: Path, schema: terraform.Schema, text: str) -> list[str]:
    (folder / "main.tf").write_text(text)
    return [*terraform.faults(folder, schema)]


def test_what_is_right_has_no_fault(tmp_path: Path, schema: terraform.Schema) -> None:
    assert faults(tmp_path, schema, TEXT) == []


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ('"~> 6.50"', '"~> 7.0"', 'no required_providers has version = "~> 6.50"'),
        ('"cloud_bucket" "models"', '"cloud_buckt" "models"', "the schema has no resource cloud_b"),
        ('data "cloud_zone"', 'data "cloud_zne"', "the schema has no data cloud_zne"),
        ("  locked ", "  lokced ", "cloud_bucket.models: there is no argument lokced"),
        ("    age =", "    aeg =", "cloud_bucket.models.rule: there is no argument aeg"),
        ("  rule {", "  rule {{", "main.tf: line 25, column 9 cannot be read"),
        ('  name     = "${local.short}-models"\n', "", "cloud_bucket.models: name is missing"),
        ("  rule {", "  dynamic x {", "rule is missing"),
        ("  rule {", "  rule = {", "it is a block: write it without ="),
        ("  labels   = {", "  labels {", "cannot be read"),
        ("  locked   = true", "  locked {\n  }", "it is an argument: write it with ="),
        ('"30"', '"30 days"', '.days: "30 days" is no number'),
        ("locked   = true", 'locked   = "yes"', '.locked: "yes" is no bool'),
        ("readers  = [", "readers  = [{}, ", "is no list of string"),
        ('["${var.stage}@example.com"]', '"nobody"', "is no list of string"),
        ("  days ", '  url = "x"\n  days ', "the provider says it, nobody can set it"),
        ("${local.short}-models", "${local.shrt}-models", "local.shrt is nowhere defined"),
        ("${var.stage}@", "${var.stag}@", "var.stag is nowhere defined"),
        ("(var.stage) =", "(var.stag) =", "var.stag is nowhere defined"),
        ("data.cloud_zone.here.id", "data.cloud_zone.her.id", "cloud_zone.her is nowhere defined"),
        ('models["a"].url', 'model["a"].url', "cloud_bucket.model is nowhere defined"),
        ('models["a"].url', 'models["a"].link', "cloud_bucket has no link"),
        ("type = string", "kind = string", "variable stage: there is no argument kind"),
        ("locals {", "local {", "no block of this name is known here"),
    ],
)
def test_a_fault_is_found(
    tmp_path: Path, schema: terraform.Schema, before: str, after: str, said: str
) -> None:
    assert TEXT.count(before) == 1

    found = faults(tmp_path, schema, TEXT.replace(before, after))

    assert any(said in fault for fault in found), found
    assert all(fault.startswith(("main.tf: ", "no required_")) for fault in found)


def test_too_many_blocks_are_a_fault(tmp_path: Path, schema: terraform.Schema) -> None:
    three = TEXT.replace("  rule {", "  rule {\n    age = 1\n  }\n" * 2 + "  rule {")

    assert faults(tmp_path, schema, three) == ["main.tf: cloud_bucket.models.rule: there may be 2"]


def test_an_empty_folder_is_a_fault(tmp_path: Path, schema: terraform.Schema) -> None:
    assert [*terraform.faults(tmp_path, schema)] == [f"{tmp_path.name}: there is no *.tf file"]


def test_names_are_given_as_they_will_be(tmp_path: Path) -> None:
    (tmp_path / "main.tf").write_text(TEXT.replace("short}-models", "short}-${var.stage}"))

    made = terraform.made(tmp_path, {"var.stage": "prod"})

    assert made["cloud_bucket.name"] == {"churn-prod"}
