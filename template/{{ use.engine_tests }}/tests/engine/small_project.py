"""A project of one verb, and packages of one module for it to install: all that run.py needs."""

import base64
import hashlib
import io
import os
import re
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import run

ROOT = Path(run.__file__).parent


def made(folder: Path) -> Path:
    """A project with one verb, `echo`, that prints its arguments and ends with 7; no packages."""
    shutil.copy(ROOT / "run.py", folder)
    minor = sys.version_info[1]
    (folder / "pyproject.toml").write_text(
        f'[project]\nrequires-python = ">=3.{minor},<3.{minor + 1}"\n'
        '[tool.run.verbs]\necho = { jobs = ["serve"], help = "say it" }\n'
    )
    (folder / "requirements.lock").write_text("# nothing\n")
    (folder / "src/engine").mkdir(parents=True)
    (folder / "src/engine/__init__.py").touch()
    (folder / "src/engine/__main__.py").write_text("import sys\nprint(sys.argv)\nsys.exit(7)\n")
    return folder


def call(project: Path, *arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
    """Run the project's run.py as a user would."""
    command = [sys.executable, "run.py", *arguments]
    return subprocess.run(
        command, cwd=project, capture_output=True, text=True, env={**os.environ, **env}
    )


def wheel(folder: Path, name: str, version: str = "1.0", more: str = "", code: str = "") -> str:
    """Write a package of one module into `folder`; return its lock row for the job `serve`."""
    path = folder / f"{name}-{version}-py3-none-any.whl"
    info = f"{name}-{version}.dist-info"
    files = {
        f"{name}.py": code,
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n{more}",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = ""
    for file, text in files.items():
        digest = base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).decode()
        record += f"{file},sha256={digest.rstrip('=')},{len(text)}\n"
    with zipfile.ZipFile(path, "w") as archive:
        for file, text in {**files, f"{info}/RECORD": record + f"{info}/RECORD,,\n"}.items():
            archive.writestr(file, text)
    return row(path)


def row(path: Path) -> str:
    """The lock row of a package, for the job `serve`."""
    name, version = re.split("-py3|.tar", path.name)[0].split("-")
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    return f"{name}=={version} \\\n    --hash=sha256:{digest}\n    # for: serve\n"


def source(folder: Path, name: str, maker: str) -> str:
    """Write a package that `maker` has to build into `folder`; return its lock row."""
    (folder / "built").mkdir()
    wheel(folder / "built", name)
    [built] = (folder / "built").iterdir()
    about = f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n"
    asked = f'[build-system]\nrequires = ["{maker}"]\nbuild-backend = "{maker}"\n'
    files = {"PKG-INFO": about.encode(), "pyproject.toml": asked.encode()}
    with tarfile.open(folder / f"{name}-1.0.tar.gz", "w:gz") as archive:
        for file, content in {**files, built.name: built.read_bytes()}.items():
            entry = tarfile.TarInfo(f"{name}-1.0/{file}")
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    return row(folder / f"{name}-1.0.tar.gz")


def offline(folder: Path) -> dict[str, str]:
    """What makes pip and uv look for packages in this folder alone."""
    places = {"FIND_LINKS": str(folder), "NO_INDEX": "1"}
    return {f"{tool}_{name}": value for tool in ("PIP", "UV") for name, value in places.items()}


def has(project: Path, what: str) -> bool:
    """Whether .venv holds this, given as name-version."""
    return any((project / ".venv").glob(f"[Ll]ib/**/site-packages/{what}.dist-info"))
