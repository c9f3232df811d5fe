"""What is written for Triton, and what becomes of its process, without a Triton."""

import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import onnxruntime
import pytest
from google.protobuf import text_format
from tritonclient.grpc import model_config_pb2

from engine.contract.schema import Contract
from engine.core.errors import ProjectError, SettingsError
from engine.core.settings import Settings
from engine.serving.rows import open_inference
from engine.serving.triton import config, repository, server

from .conftest import CONTRACTS

IDLE = [sys.executable, "-c", "import time; time.sleep(60)"]
STUBBORN = """
import os, signal, subprocess, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
print(subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"]).pid, flush=True)
time.sleep(60)
"""
KINDS = {
    "tensor(float)": "TYPE_FP32",
    "tensor(int64)": "TYPE_INT64",
    "tensor(string)": "TYPE_STRING",
}


def parsed(text: str) -> Any:
    """config.pbtxt as Triton reads it; an unknown field or word is an error."""
    return text_format.Parse(text, model_config_pb2.ModelConfig())


def kind(tensor: Any) -> str:
    return str(model_config_pb2.DataType.Name(tensor.data_type))


def test_the_description_of_the_whole_model_is_the_contract(any_contract: Contract) -> None:
    found = parsed(config.whole(any_contract, "model", Settings(request_rows=7)))

    def plain(tensors: Any) -> list[tuple[str, str, list[int]]]:
        return [(each.name, kind(each), [*each.dims]) for each in tensors]

    def asked(tensors: list[Any]) -> list[tuple[str, str, list[int]]]:
        names = {"BYTES": "STRING"}
        return [
            (
                each["name"],
                "TYPE_" + names.get(each["datatype"], each["datatype"]),
                each["shape"][1:],
            )
            for each in tensors
        ]

    assert (found.name, found.backend, found.max_batch_size) == ("model", "python", 7)
    assert plain(found.input) == asked(open_inference.inputs(any_contract))
    outputs = asked(open_inference.outputs(any_contract))
    assert plain(found.output)[: len(outputs)] == outputs
    assert [each.name for each in found.output][len(outputs) :] == [
        "model_version",
        "run_id",
        "explanation",
    ]
    assert [(group.count, group.kind) for group in found.instance_group] == [
        (1, model_config_pb2.ModelInstanceGroup.KIND_CPU)
    ]


def test_the_description_of_the_bare_model_is_its_file(trained: Path, tmp_path: Path) -> None:
    settings = Settings(store=str(trained / "store"), name="shop")
    version, bundle = repository.champion(settings)
    repository.write_bare(tmp_path, version, bundle, settings, 3)

    [file] = tmp_path.glob("shop_onnx/*/model.onnx")
    found = parsed((tmp_path / "shop_onnx/config.pbtxt").read_text("utf-8"))
    session = onnxruntime.InferenceSession(file)

    assert int(file.parent.name) == version == found.version_policy.specific.versions[0]
    for told, real in (
        (found.input, session.get_inputs()),
        (found.output, session.get_outputs()),
    ):
        assert [each.name for each in told] == [each.name for each in real]
        assert [kind(each) for each in told] == [KINDS[each.type] for each in real]
        for each, is_ in zip(told, real, strict=True):
            # the rows stand before the dimensions of a description
            inner = [*each.reshape.shape] if each.HasField("reshape") else [*each.dims]
            assert inner == is_.shape[1:]
    assert found.instance_group[0].count == 3
    assert found.HasField("dynamic_batching")
    for warm in found.model_warmup:
        feed = {each.name: (kind(each), [*each.dims]) for each in found.input}
        assert {n: (kind(i), [*i.dims]) for n, i in warm.inputs.items()} == feed
    assert sorted(warm.batch_size for warm in found.model_warmup) == [1, 64]


@pytest.mark.parametrize("contract_file", CONTRACTS[:1], indirect=True, ids=["own"])
def test_a_description_that_did_not_change_is_left_alone(trained: Path, tmp_path: Path) -> None:
    settings = Settings(store=str(trained / "store"))
    _, bundle = repository.champion(settings)

    changed = [repository.write_whole(tmp_path, bundle, settings) for _ in range(2)]
    before = {file: file.stat().st_mtime_ns for file in tmp_path.rglob("*")}
    time.sleep(0.02)
    repository.write_whole(tmp_path, bundle, settings)

    assert changed == [True, False]
    assert {file: file.stat().st_mtime_ns for file in tmp_path.rglob("*")} == before


@pytest.mark.parametrize("contract_file", CONTRACTS[:1], indirect=True, ids=["own"])
def test_a_damaged_champion_leaves_the_one_before(trained: Path, tmp_path: Path) -> None:
    import shutil

    from engine.core.storage import Storage
    from engine.registry.registry import Registry

    store = shutil.copytree(trained / "store", tmp_path / "store")
    registry = Registry(Storage(store))
    [folder] = (store / "versions").iterdir()
    twin = shutil.copytree(folder, tmp_path / "again")
    digest = registry.state().known(1).digest
    registry.register(twin, "again", digest, {})
    registry.promote(2)
    (store / "versions/again/model.onnx").write_bytes(b"nothing")

    number, _ = repository.champion(Settings(store=str(store)))

    assert number == 1


def test_a_triton_that_never_is_ready_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "START_SECONDS", 0.5)
    process = subprocess.Popen(IDLE, start_new_session=True)
    try:
        with pytest.raises(ProjectError, match="not ready after"):
            server._await_ready(process, Settings(port=9), threading.Event())
    finally:
        server._end(process, 0)

    assert process.poll() is not None


def test_the_end_reaches_whatever_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "KILL_SECONDS", 0.5)
    process = subprocess.Popen(
        [sys.executable, "-c", STUBBORN], stdout=subprocess.PIPE, start_new_session=True
    )
    assert process.stdout
    child = int(process.stdout.readline())

    server._end(process, 0)

    assert process.wait(5) == -9
    end = time.monotonic() + 5
    while _is_running(child) and time.monotonic() < end:
        time.sleep(0.05)
    assert not _is_running(child)


def _is_running(number: int) -> bool:
    try:
        state = Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


def test_an_environment_without_triton_is_said_with_the_way_out() -> None:
    with pytest.raises(SettingsError, match=r"python3 run\.py triton"):
        server.find()


@pytest.mark.parametrize("minor", [(3, 8), (3, 99)])
def test_a_python_without_a_stub_is_refused(
    minor: tuple[int, int], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(sys, "version_info", minor)

    with pytest.raises(SettingsError, match=f"no stub for Python 3.{minor[1]}"):
        server._program(tmp_path / "pytriton", tmp_path)
