"""What a pod may do: Kubernetes' Pod Security Standard "restricted", and no more than it needs.

https://kubernetes.io/docs/concepts/security/pod-security-standards/
"""

from collections.abc import Iterator
from typing import Any


def faults(manifests: list[dict[str, Any]]) -> Iterator[str]:
    """What the pods of Deployments may do that they must not."""
    for each in manifests:
        if each["kind"] == "Deployment":
            for fault in of_pod(each["spec"]["template"]["spec"]):
                yield f"Deployment {each['metadata']['name']}: {fault}"


def of_pod(pod: dict[str, Any]) -> Iterator[str]:
    """What one pod may do that it must not, by its specification, which keeps its schema."""
    if pod.get("automountServiceAccountToken") is not False:
        yield "automountServiceAccountToken must be false: the server asks nothing of the cluster"
    for field in ("hostNetwork", "hostPID", "hostIPC"):
        if pod.get(field):
            yield f"{field} must not be set"
    for container in pod["containers"] + pod.get("initContainers", []):
        may = {**pod.get("securityContext", {}), **container.get("securityContext", {})}
        kept = {
            "runAsNonRoot: true": may.get("runAsNonRoot") is True and may.get("runAsUser") != 0,
            "allowPrivilegeEscalation: false": may.get("allowPrivilegeEscalation") is False,
            "readOnlyRootFilesystem: true": may.get("readOnlyRootFilesystem") is True,
            "capabilities: {drop: [ALL]}": may.get("capabilities") == {"drop": ["ALL"]},
            "seccompProfile: {type: RuntimeDefault}": may.get("seccompProfile")
            == {"type": "RuntimeDefault"},
        }
        for rule in (rule for rule, is_kept in kept.items() if not is_kept):
            yield f"the container {container['name']} must have {rule} in its securityContext"
