"""A destination that holds something already."""

from __future__ import annotations

from pathlib import Path

from copier._main import Worker


def clashes(worker: Worker) -> list[str]:
    """The files there that Copier would ask about, were it not told what to do with them."""
    here = worker.dst_path
    if here.exists() and not here.is_dir():
        return [here.name]
    if worker.overwrite or worker.ask or not here.is_dir() or not any(here.iterdir()):
        return []
    found: list[str] = []

    def note(path: Path) -> bool:
        found.append(path.as_posix())
        return False

    skipped = worker._path_matcher(worker.skip_if_exists)
    before = worker.pretend, worker.defaults, worker.quiet, worker._solve_render_conflict
    worker.pretend = worker.defaults = worker.quiet = True
    worker._solve_render_conflict = note  # type: ignore[assignment, method-assign]
    try:
        worker.run_copy()
    finally:
        worker.pretend, worker.defaults, worker.quiet = before[:3]
        worker._solve_render_conflict = before[3]  # type: ignore[method-assign]
    return [path for path in found if not skipped(Path(path))]
