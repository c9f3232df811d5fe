"""What an owner does to a repository; as functions, to do it to a fresh render as well."""

from __future__ import annotations

import re
from pathlib import Path

from .releases import commit, replace

CI = (".github/workflows/check.yml", ".gitlab-ci.yml")
DELETED = "docs/change-it.md"  # the second release changes it
CODE = ("src/app/features.py", "src/app/documents.py", "src/app/routes.py")
ENGINE = (  # of tables, of documents, of both
    "src/engine/training/pipeline.py",
    "src/engine/retrieval/lexical.py",
    "src/engine/registry/registry.py",
)
ROW = "humanize==4.99.0 \\\n    --hash=sha256:" + "5" * 64 + "\n"


def append(path: Path, text: str) -> None:
    """Add lines at the end of a file."""
    path.write_text(path.read_text("utf-8") + text, encoding="utf-8", newline="\n")


def common(paths: tuple[str, ...], folder: Path, *others: Path) -> Path:
    """The first of these files that every render holds."""
    renders = (folder, *others)
    return folder / next(path for path in paths if all((each / path).exists() for each in renders))


def reformat(path: Path) -> None:
    """Another taste in indentation: nearly every line differs."""
    text = re.sub("(?m)^(    )+", lambda it: it[0][::2], path.read_text("utf-8"))
    path.write_text(text, encoding="utf-8", newline="\n")


def edit(folder: Path, *others: Path) -> None:
    """Own code, contract, settings, package, test, text, CI step; a file reformatted, one gone.

    What is edited is there in the other renders as well.
    """
    append(common(CODE, folder, *others), "\n\ndef mine() -> str:\n    return 'mine'\n")
    (folder / "src/app/mine.py").write_text("NUMBER = 1\n", "utf-8")
    (folder / "contract.toml").write_text("# wholly my own\n", "utf-8")
    replace(folder / "settings.toml", 'store = "store"', 'store = "shelf"')
    append(folder / ".gitignore", "/mine/\n")
    append(folder / "README.md", "\n## Ours\n\nA paragraph of our own.\n")
    (folder / "tests/test_mine.py").write_text("def test_mine() -> None:\n    assert 1\n", "utf-8")
    for ci in CI:
        if (folder / ci).exists():
            append(folder / ci, "# ours\n")
    reformat(common(ENGINE, folder, *others))
    (folder / DELETED).unlink(missing_ok=True)
    depend(folder)


def depend(folder: Path) -> None:
    """One more dependency, in pyproject.toml and in both locks."""
    project = folder / "pyproject.toml"
    text = project.read_text("utf-8")
    other = next(name for name in ("pandera", "scikit-learn") if f'\n    "{name}==' in text)
    replace(project, f'\n    "{other}==', f'\n    "humanize==4.99.0",\n    "{other}==')
    for name, note in (
        ("requirements.lock", "    # for: train\n"),
        ("requirements-serve.lock", ""),
    ):
        lines = (folder / name).read_text("utf-8").splitlines(keepends=True)
        after = (i for i, line in enumerate(lines) if line[0].isalpha() and line > ROW)
        lines.insert(next(after), ROW + note)
        (folder / name).write_text("".join(lines), encoding="utf-8", newline="\n")


def own_model(folder: Path) -> None:
    """A function in the seam that a switched answer replaces."""
    append(folder / "src/app/model.py", "\n\ndef my_own_model() -> str:\n    return 'kept'\n")


def adopt(folder: Path, *edits: object) -> Path:
    """The render as a git repository: first as it came, then with the edits."""
    from .conftest import git

    git(folder, "init", "--quiet")
    commit(folder, "as rendered")
    for each in edits:
        assert callable(each)
        each(folder)
    commit(folder, "our edits")
    return folder
