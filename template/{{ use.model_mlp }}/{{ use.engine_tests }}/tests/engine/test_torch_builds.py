"""PyTorch is installed for the CPU where such a build is found; nothing here needs a network."""

import re
import shutil
import sys
import tomllib
from pathlib import Path

import pytest

from tools import lock as locking
from tools import torch_builds

from .small_project import ROOT, call, has, made, offline, wheel

UV_LOCK = """
[[package]]
name = "torch"
dependencies = [
    { name = "filelock" },
    { name = "colorama", marker = "sys_platform == 'win32'" },
    { name = "nvidia-demo", marker = "sys_platform == 'linux'" },
]
[[package]]
name = "uvloop"
dependencies = [{ name = "libuv", marker = "sys_platform == 'linux'" }]
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project of one verb whose lock has a small PyTorch: for CUDA, and a build for the CPU."""
    made(tmp_path)
    (tmp_path / "tools").mkdir()
    shutil.copy(torch_builds.__file__, tmp_path / "tools")
    with (tmp_path / "pyproject.toml").open("a") as file:
        file.write('[tool.run]\ninstall = "tools/torch_builds.py"\n')
    cuda = wheel(tmp_path, "torch", more="Requires-Dist: nvidia-demo\n")
    card = wheel(tmp_path, "nvidia_demo").replace("for: serve", "for: cuda")
    build = wheel(tmp_path, "torch", "1.0+cpu").replace(" \\\n    --", " --").splitlines()[0]
    (tmp_path / "requirements.lock").write_text(f"{cuda}# cpu: {build}\n{card}")
    return tmp_path


def test_run_py_and_the_lock_ask_it() -> None:
    pyproject = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    hook = locking.hook(ROOT, pyproject)

    assert hook is not None
    assert hook(UV_LOCK) == {"cuda": ["nvidia-demo"]}


def test_pytorch_for_the_cpu_is_taken_where_it_is_found(project: Path) -> None:
    said = call(project, "echo", **offline(project))

    assert said.returncode == 7, said.stderr
    assert has(project, "torch-1.0+cpu")
    assert not has(project, "torch-1.0")
    assert not has(project, "nvidia_demo-1.0")


@pytest.mark.skipif(sys.platform != "linux", reason="the index has CUDA for Linux alone")
def test_without_it_pytorch_for_cuda_comes_with_what_it_needs(project: Path) -> None:
    (project / "torch-1.0+cpu-py3-none-any.whl").unlink()

    said = call(project, "echo", **offline(project))

    assert said.returncode == 7, said.stderr
    assert has(project, "torch-1.0")
    assert has(project, "nvidia_demo-1.0")


def test_a_job_without_pytorch_looks_for_no_build(project: Path) -> None:
    lock = (project / "requirements.lock").read_text()
    (project / "requirements.lock").write_text(lock.replace("for: serve", "for: train"))

    said = call(project, "echo", **offline(project))

    assert said.returncode == 7, said.stderr
    assert "torch" not in said.stderr


def test_an_unknown_build_for_the_cpu_is_refused_until_it_is_accepted(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lock = (project / "requirements.lock").read_text()
    (project / "requirements.lock").write_text(
        re.sub("(cpu --hash=sha256:).{8}", r"\g<1>00000000", lock)
    )

    said = call(project, "echo", **offline(project))

    assert said.returncode == 1
    assert "python3 run.py torch-build FILE" in said.stderr
    assert "Traceback" not in said.stderr
    assert not has(project, "torch-1.0")
    monkeypatch.chdir(project)
    assert torch_builds.main(["torch-1.0+cpu-py3-none-any.whl"]) == 0
    assert call(project, "echo", **offline(project)).returncode == 7
    assert has(project, "torch-1.0+cpu")


def test_what_pytorch_needs_on_linux_alone_is_for_cuda() -> None:
    assert torch_builds.apart(UV_LOCK) == {"cuda": ["nvidia-demo"]}
    assert torch_builds.apart(UV_LOCK.replace("torch", "other")) == {}


def test_an_accepted_build_stays_with_the_version(tmp_path: Path) -> None:
    row = locking.Row("torch", "2.1", "", ("00",))
    others = [locking.Row("a", "1", "", ("11",)), locking.Row("z", "1", "", ("22",))]
    wheels = [tmp_path / f"torch-2.1+cpu-cp311-cp311-{name}.whl" for name in ("linux", "mac")]
    for number, file in enumerate(wheels):
        file.write_bytes(b"x" * number)

    first = locking.render({"train": [row, *others]}, {})
    text = torch_builds.accepted(first, wheels[0])
    both = torch_builds.accepted(torch_builds.accepted(text, wheels[1]), wheels[0])
    later = locking.render({"train": [row._replace(version="2.2")]}, locking.notes(both))

    assert "# for: train\n# cpu: torch==2.1+cpu --hash=sha256:e3b0c442" in text
    assert both.count("--hash=sha256:") == first.count("--hash=sha256:") + 2
    assert locking.render({"train": [row, *others]}, locking.notes(both)) == both
    assert "# cpu" not in later
    assert locking.rows(both) == locking.rows(first)


@pytest.mark.parametrize(
    "name", ["torch-2.0+cpu-a.whl", "torch-2.1-a.whl", "x.whl", "gone-1+cpu-a.whl"]
)
def test_another_file_is_no_build_of_what_is_locked(
    tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("requirements.lock").write_text("torch==2.1 \\\n    --hash=sha256:00\n    # for: train\n")
    if "gone" not in name:
        (tmp_path / name).touch()

    assert torch_builds.main([name]) == 1
    assert "of what is locked, which is torch-2.1+cpu-" in capsys.readouterr().err
