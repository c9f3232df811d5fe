"""What `deploy --check` sees in deploy/seldon, and what `deploy` would do."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from engine.core.errors import SettingsError
from tools.deploy import target
from tools.deploy.__main__ import look

ROOT = Path(__file__).parents[2]
Change = Callable[[str, str, str], None]
CANDIDATE = "candidates/candidate/model-settings.json"


@pytest.fixture
def change(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Change:
    """Change a file of a copy of deploy/seldon, which is checked in place of the real one."""
    copy = tmp_path / "deploy/seldon"
    shutil.copytree(ROOT / "deploy/seldon", copy)
    for entry in ROOT.iterdir():
        if not (tmp_path / entry.name).exists():
            (tmp_path / entry.name).symlink_to(entry)
    monkeypatch.setattr(target, "ROOT", tmp_path)
    monkeypatch.setattr(target, "FOLDER", copy)

    def change(file: str, old: str, new: str) -> None:
        text = (copy / file).read_text("utf-8")
        assert old in text
        (copy / file).write_text(text.replace(old, new, 1), "utf-8")

    return change


def test_nothing_is_wrong_with_the_files_as_they_are() -> None:
    assert look(target.checks()) == []


@pytest.mark.parametrize(
    ("file", "old", "new", "said"),
    [
        # what a schema sees
        ("seldon.yml", "serverConfig:", "serverConf:", "'serverConf' was unexpected"),
        ("seldon.yml", "resources:", "resource:", "'resource' was unexpected"),
        ("seldon.yml", "memory: 512Mi", "memory: lots", "'lots' is not valid"),
        ("seldon.yml", "kind: Model", "kind: Modell", "must hold Server and Model"),
        ("seldon.yml", "v1alpha1", "v1", "'mlops.seldon.io/v1alpha1' was expected"),
        ("seldon.yml", "gs://bucket", "bucket", "does not match"),
        ("seldon.yml", "spec:\n", "spec\n", "is no YAML"),
        ("experiment.yml", "weight: 10}", "weight: 110}", "greater than the maximum"),
        # what leads nowhere
        ("seldon.yml", "capabilities: [", "capabilities: [other] # ", "no server has"),
        ("seldon.yml", "- name: mlserver", "- name: server", "the first container is server"),
        ("seldon.yml", "minReplicas: ", "minReplicas: 9999 # ", "is over maxReplicas"),
        ("experiment.yml", "- {name: ", "- {name: x", "there is no Model 'x"),
        ("experiment.yml", "default: ", "default: x", "none of its candidates"),
        # what MLServer or the engine would not load
        (CANDIDATE, '"candidate"', '"other"', "wants that of its folder"),
        (CANDIDATE, "runtime.Runtime", "runtime.Runner", "implementation is"),
        (CANDIDATE, '"store"', '"stored"', "parameters.extra.stored is no setting"),
        (CANDIDATE, '"parameters"', '"parameter"', "'parameter' was unexpected"),
        (CANDIDATE, "{", "", CANDIDATE),
        # what the image lacks
        ("Dockerfile", "COPY src", "COPY source", "source is not there"),
        ("Dockerfile.dockerignore", "!settings.toml\n", "", "settings.toml is ignored by"),
    ],
)
def test_a_fault_is_found(change: Change, file: str, old: str, new: str, said: str) -> None:
    change(file, old, new)

    found = look(target.checks())

    assert any(said in fault for fault in found), found


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("        resources:\n", "        imagePullPolicy: Always\n        resources:\n"),
        ("    containers:\n", "    nodeSelector: {disk: fast}\n    containers:\n"),
        ("  memory: 256Mi\n", "  memory: 256Mi\n  logger: {percent: 10}\n"),
    ],
)
def test_what_seldon_takes_is_no_fault(change: Change, old: str, new: str) -> None:
    change("seldon.yml", old, new)

    assert look(target.checks()) == []


def test_a_model_may_ask_for_an_extra_capability(change: Change) -> None:
    change("seldon.yml", "  requirements: [", "  requirements: [spare, ")
    assert any("no server has ['spare']" in fault for fault in look(target.checks()))

    change("seldon.yml", "  replicas: ", "  extraCapabilities: [spare]\n  replicas: ")

    assert look(target.checks()) == []


def test_an_image_that_no_cluster_can_pull_is_refused() -> None:
    with pytest.raises(SettingsError, match="cannot pull 'mine'"):
        target.steps("prod", "mine")


def test_a_canary_is_the_steps_of_prod_and_an_experiment() -> None:
    prod, canary = (target.steps(stage, "registry/mine:1") for stage in target.STAGES)

    assert canary[: len(prod)] == prod
    begin = canary[len(prod)]
    assert str(begin) == "kubectl apply -f deploy/seldon/experiment.yml"
