"""The server is let out to whom its settings name, and `deploy --check` says where it is not."""

from typing import Any

import pytest

from tools.deploy import egress, kustomize, target
from tools.doctor import keys

NAMESPACE = "kubernetes.io/metadata.name"
Rule = dict[str, Any]


def at(port: int, *to: Rule) -> Rule:
    return {"ports": [{"port": port, "protocol": "TCP"}], **({"to": [*to]} if to else {})}


def named(namespace: str) -> Rule:
    return {"namespaceSelector": {"matchLabels": {NAMESPACE: namespace}}}


def faults(monkeypatch: pytest.MonkeyPatch, url: str, *rules: Rule) -> list[str]:
    """What is said of a server with this `llm_url`, and a policy with these rules."""
    monkeypatch.setattr(egress, "reached", lambda: {"llm_url": 443})
    head = {"name": "it", "namespace": "it-prod"}
    pod = {"spec": {"containers": [{"env": [{"name": "APP_LLM_URL", "value": url}]}]}}
    server = {
        "kind": "Deployment",
        "metadata": head,
        "spec": {"template": {"metadata": {"labels": {"app": "it"}}, **pod}},
    }
    selector = {"matchLabels": {"app": "it"}}
    policy = {
        "kind": "NetworkPolicy",
        "metadata": head,
        "spec": {"podSelector": selector, "policyTypes": ["Egress"], "egress": [*rules]},
    }
    return [*egress.faults([server, policy], [server, policy])]


@pytest.mark.parametrize(
    ("url", "rule", "is_let_out"),
    [
        ("https://api.example.com/v1", at(443), True),
        ("http://api.example.com/v1", at(443), False),
        ("http://api.example.com:8443/v1", at(443), False),
        ("https://api.example.com/v1", {"to": [named("other")]}, False),
        ("http://model.models:8000/v1", at(8000, named("models")), True),
        ("http://model.models:8000/v1", at(8000, named("other")), False),
        ("http://model.models.svc.cluster.local:8000/v1", at(8000, named("models")), True),
        ("http://model:8000/v1", at(8000, {"podSelector": {}}), True),
        ("http://model.models:8000/v1", at(8000, {"podSelector": {}}), False),
        ("http://10.1.2.3:8000/v1", at(8000, {"ipBlock": {"cidr": "10.0.0.0/8"}}), True),
        ("http://10.1.2.3:8000/v1", at(8000, {"ipBlock": {"cidr": "169.254.1.1/32"}}), False),
        ("http://model:9000/v1", {"ports": [{"port": 8000, "endPort": 9999}]}, True),
        ("http://model:8000/v1", {"ports": [{"port": 8000, "protocol": "UDP"}]}, False),
        ("", at(53), True),
    ],
)
def test_who_is_reached(
    monkeypatch: pytest.MonkeyPatch, url: str, rule: Rule, is_let_out: bool
) -> None:
    found = faults(monkeypatch, url, rule)

    assert bool(found) is not is_let_out
    assert all("llm_url is at" in fault and "base/network.yaml" in fault for fault in found)


def test_an_address_of_this_machine_is_the_pod_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    [found] = faults(monkeypatch, "http://127.0.0.1:443/v1", at(443))

    assert "which is the pod itself" in found


@pytest.mark.parametrize("stage", [name for name in target.OURS if name != "canary"])
def test_the_policies_open_the_usual_port_of_each_setting(stage: str) -> None:
    """The canary has those of prod."""
    rules = [
        rule
        for each in kustomize.build(target.OVERLAYS / stage)
        if each["kind"] == "NetworkPolicy"
        for rule in each["spec"].get("egress", [])
        if "to" not in rule
    ]
    opened = {port["port"] for rule in rules for port in rule["ports"]}

    assert {*keys.reached().values()} <= opened
    assert not [rule for rule in rules if not rule["ports"]]
