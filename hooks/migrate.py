"""Move files of a project before an update: `copier update` itself knows no moves.

Called by `_migrations` in copier.yml, in the folder of the project, with pairs of paths:

    _migrations:
      - version: v1.2.0
        when: "{{ _stage == 'before' }}"
        command: ["{{ _copier_python }}", "{{ _copier_conf.src_path }}/hooks/migrate.py", OLD, NEW]

The edits are then in the file's new place, marked as a conflict for a look; a file without edits
just moves. Do not change a file in the release that moves it: every change would be a conflict.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path


def main(paths: list[str]) -> int:
    """Move each OLD to its NEW; what is not there, or already moved, is left alone."""
    if not paths or len(paths) % 2:
        print(__doc__)
        return 1
    for old, new in zip(paths[::2], paths[1::2], strict=True):
        if not Path(old).is_file() or Path(new).exists():
            continue
        Path(new).parent.mkdir(parents=True, exist_ok=True)
        done = subprocess.run(["git", "mv", "--", old, new], capture_output=True, text=True)
        if done.returncode:
            print(f"migrate: {old} stays where it is: {done.stderr.strip()}")
            return 1
        print(f"migrate: {old} is now {new}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
