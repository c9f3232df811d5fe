"""A small cookiecutter template in the classic data-science layout, and a project made from it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from .conftest import git
from .owner import append
from .releases import commit, replace

CONTEXT = {
    "project_name": "Churn study",
    "repo_name": "churn_study",
    "author_name": "Data team",
    "description": "A short description.",
    "open_source_license": ["MIT", "BSD-3-Clause", "No license file"],
    "python_version": "3.10",
}
GIVEN = {"author_name": "Ada", "open_source_license": "MIT", "python_version": "3.12"}
LAYOUT = {
    ".gitignore": "__pycache__/\n/data/\n/models/\n*.log\n",
    "LICENSE": "MIT License\n\nCopyright {{ cookiecutter.author_name }}\n",
    "Makefile": "data:\n\tpython src/data/make_dataset.py\n\nclean:\n\trm -rf reports/*\n",
    "README.md": "# {{ cookiecutter.project_name }}\n\n{{ cookiecutter.description }}\n",
    "data/raw/.gitkeep": "",
    "docs/runbook.md": "# Runbook\n\nCall {{ cookiecutter.author_name }}.\n",
    "docs/index.md": "Write here what was found.\n",
    "models/.gitkeep": "",
    "notebooks/.gitkeep": "",
    "references/.gitkeep": "",
    "reports/figures/.gitkeep": "",
    "requirements.txt": "click\npandas\n",
    "setup.py": "from setuptools import setup\n\nsetup(name='src', version='0.1.0')\n",
    "src/__init__.py": "",
    "src/data/__init__.py": "",
    "src/data/make_dataset.py": "def main() -> None:\n    print('making data')\n",
    "src/features/__init__.py": "",
    "src/features/build_features.py": "COLUMNS = ['a']\n\n\ndef build() -> list[str]:\n"
    "    return COLUMNS\n",
    "src/models/__init__.py": "",
    "src/models/train_model.py": "NAME = '{{ cookiecutter.repo_name }}'\n",
    "tests/__init__.py": '"""Tests."""\n\nSEED = 1\n',
    "tox.ini": "[flake8]\nmax-line-length = 79\n",
}


def build(folder: Path) -> Path:
    """The template with the state of then, tag v1, and a newer one that nobody took."""
    made = folder / "{{ cookiecutter.repo_name }}"
    for name, text in LAYOUT.items():
        (made / name).parent.mkdir(parents=True, exist_ok=True)
        (made / name).write_text(text, encoding="utf-8", newline="\n")
    (folder / "cookiecutter.json").write_text(json.dumps(CONTEXT), "utf-8")
    (folder / "hooks").mkdir()
    hook = "from pathlib import Path\n\nPath('hooked').touch()\n"
    (folder / "hooks/post_gen_project.py").write_text(hook, "utf-8")
    git(folder, "init", "--quiet")
    git(folder, "add", "--force", "--all")
    commit(folder, "then", "v1")
    append(made / "Makefile", "\nlater:\n\ttrue\n")
    (folder / "cookiecutter.json").write_text(json.dumps(CONTEXT | {"later": "x"}), "utf-8")
    commit(folder, "later")
    return folder


def generate(engine: str, template: Path, folder: Path) -> Path:
    """A project by cruft or by cookiecutter, as a git repository with one commit."""
    pairs = [f"{name}={value}" for name, value in GIVEN.items()]
    words = ["cookiecutter", "--no-input", f"git+file://{template}", "--checkout", "v1", *pairs]
    if engine == "cruft":
        extra = ["--extra-context", json.dumps(GIVEN)]
        words = ["cruft", "create", "-y", str(template), "--checkout", "v1", *extra]
    call = [sys.executable, "-W", "ignore", "-m", *words]
    home = os.environ | {"HOME": str(folder)}  # cookiecutter keeps its clone there
    subprocess.run(call, cwd=folder, check=True, capture_output=True, env=home)
    project = folder / "churn_study"
    git(project, "init", "--quiet")
    git(project, "add", "--force", "--all")
    commit(project, "as made")
    return project


def work(project: Path) -> None:
    """What somebody did since: edits, additions, deletions, a move."""
    replace(project / "src/features/build_features.py", "['a']", "['a', 'b']")
    append(project / "Makefile", "\nmine:\n\ttrue\n")
    append(project / "docs/runbook.md", "\nOr Bob.\n")
    append(project / "README.md", "\nOur own words.\n")
    append(project / "requirements.txt", "humanize\n")
    append(project / ".gitignore", "/secret/\n")
    replace(project / "tests/__init__.py", "SEED = 1", "SEED = 2")
    (project / "notebooks/look.ipynb").write_text("{}\n", "utf-8")
    (project / "src/features/own.py").write_text(
        "from src.data.make_dataset import main\n\nmain()\n", "utf-8"
    )
    (project / "tests/test_own.py").write_text("def test_own() -> None:\n    assert 1\n", "utf-8")
    (project / "setup.py").unlink()
    (project / "tox.ini").write_text(LAYOUT["tox.ini"], "utf-8", newline="\r\n")
    git(project, "mv", "docs/index.md", "docs/findings.md")
    commit(project, "our work")
