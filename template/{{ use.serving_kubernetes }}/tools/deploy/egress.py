"""Whether the network policies let the server out to whom its settings name."""

from collections.abc import Iterator
from ipaddress import ip_address, ip_network
from typing import Any

from engine.core.errors import SettingsError
from engine.core.settings import load_settings

from ..doctor import place
from ..doctor.keys import reached
from . import agreement
from .kustomize import Manifest

LOOPBACK = {"localhost", "127.0.0.1", "::1"}
NAME = "kubernetes.io/metadata.name"  # a label that every namespace has


def faults(stage: list[Manifest], every: list[Manifest]) -> Iterator[str]:
    """Who is named by a setting and cannot be reached; `every` holds all stages."""
    for each in stage:
        if agreement.is_server(each):
            namespace = each["metadata"]["namespace"]
            here = [other for other in every if other["metadata"]["namespace"] == namespace]
            for name, host, port in named(each, stage):
                if host in LOOPBACK:
                    yield (
                        f"Deployment {each['metadata']['name']}: {name} is at {host}, which is the "
                        "pod itself; set another in server/kustomization.yaml"
                    )
                elif not any(_lets(rule, host, port, namespace) for rule in _rules(each, here)):
                    yield (
                        f"Deployment {each['metadata']['name']}: {name} is at {host}, port {port}, "
                        "and no NetworkPolicy lets the server out there; write it under egress in "
                        "base/network.yaml"
                    )


def named(server: Manifest, stage: list[Manifest]) -> Iterator[tuple[str, str, int]]:
    """The settings that name whom the server asks, with host and port."""
    told = agreement.environment(server, stage)
    try:
        settings = load_settings(agreement.SETTINGS, told)
    except SettingsError:  # said by agreement.py
        return
    for name in reached():
        url = str(getattr(settings, name, "") or told.get(name, ""))
        if there := url and place(url if "://" in url else f"https://{url}"):
            yield name, *there


def _rules(server: Manifest, here: list[Manifest]) -> list[dict[str, Any]]:
    """What the policies of a namespace let the pods of the server reach."""
    labels = server["spec"]["template"]["metadata"]["labels"]
    return [
        rule
        for each in here
        if each["kind"] == "NetworkPolicy"
        if each["spec"]["podSelector"].get("matchLabels", {}).items() <= labels.items()
        for rule in each["spec"].get("egress", [])
    ]


def _lets(rule: dict[str, Any], host: str, port: int, namespace: str) -> bool:
    ports = rule.get("ports", [])
    is_open = not ports or any(
        each.get("protocol", "TCP") == "TCP"
        and each.get("port", port) <= port <= each.get("endPort", each.get("port", port))
        for each in ports
    )
    peers = rule.get("to", [])
    return is_open and (not peers or any(_is(peer, host, namespace) for peer in peers))


def _is(peer: dict[str, Any], host: str, namespace: str) -> bool:
    """Whether a host can be this peer, as far as SERVICE.NAMESPACE or an address tells."""
    try:
        address = ip_address(host)
    except ValueError:
        address = None
    if "ipBlock" in peer:
        return address is not None and address in ip_network(peer["ipBlock"]["cidr"])
    labels = peer.get("namespaceSelector", {"matchLabels": {NAME: namespace}})
    wanted = labels.get("matchLabels", {}).get(NAME)
    found = host.split(".")[1] if "." in host else namespace
    return address is None and wanted in (None, found)
