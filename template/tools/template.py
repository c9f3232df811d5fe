"""Newer releases of the template: python3 run.py template [check | diff | update]

check     is there one? Ends with code 2 if so. This is what happens without a word
diff      what an update would change here, and where it needs a person
update    make that change: a new branch with one commit, tested; or nothing
          --resolve   where an update needs a person: stop in the middle, as git cherry-pick does
          --no-tests  leave out the tests

--to RELEASE         another release than the newest
-d QUESTION=ANSWER   answer differently from now on; also without a newer release

diff and update are done by the newest release: its code is fetched and runs here. check runs none.
"""

from __future__ import annotations

import re
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

ANSWERS = ".copier-answers.yml"


class TemplateError(Exception):
    """What stands in the way; shown without a traceback."""


def main(argv: list[str]) -> int:
    """Say whether there is a newer release, or let the newest one do what is asked."""
    try:
        if {"-h", "--help"} & {*argv}:
            print(__doc__)
            return 0
        work = {"diff", "update"} & {*argv}
        if not work and argv not in ([], ["check"]):
            raise TemplateError(f"{' '.join(argv)}: say diff or update with it; see --help")
        source, commit = recorded(Path.cwd())
        newer = newest(tags(source), commit)
        options = any(word.startswith(("-d", "--data", "--to")) for word in argv)
        if not work or not (newer or options):
            return tell(commit, newer)
        with tempfile.TemporaryDirectory(prefix="template-", ignore_cleanup_errors=True) as folder:
            git(f"{source} cannot be fetched", "clone", "-qn", "--", address(source), folder)
            missing = f"{source} has no {commit}; name in {ANSWERS} the release this was made from"
            git(missing, "-C", folder, "checkout", "--quiet", newer or commit)
            updater = [sys.executable, folder + "/run.py", "update", "--of", str(Path.cwd())]
            return subprocess.run([*updater, *argv]).returncode
    except (TemplateError, OSError) as problem:
        print(f"template: {problem}")
        return 1
    except KeyboardInterrupt:
        return 130


def recorded(project: Path) -> tuple[str, str]:
    """The address of the template and its release, as Copier wrote them down."""
    text = (project / ANSWERS).read_text("utf-8") if (project / ANSWERS).exists() else ""
    found = dict(re.findall(r"(?m)^(_src_path|_commit): ['\"]?(.+?)['\"]?$", text))
    if len(found) < 2:
        raise TemplateError(f"{ANSWERS} does not say where this repository comes from")
    return found["_src_path"], found["_commit"]


def address(source: str) -> str:
    """The address as git knows it; Copier also takes gh:, gl: and git+ in front."""
    for short, host in (("gh:", "github.com"), ("gl:", "gitlab.com")):
        if source.startswith(short):
            return f"https://{host}/{source.removeprefix(short).removesuffix('.git')}.git"
    return source.removeprefix("git+")


def tags(source: str) -> list[str]:
    """Every tag of the template."""
    call = ("ls-remote", "--tags", "--refs", "--", address(source))
    return re.findall(r"refs/tags/(\S+)", git(f"{source} cannot be reached", *call))


def newest(tags: list[str], commit: str) -> str:
    """The newest release, if it is newer than this commit; pre-releases are passed over."""
    known = {version(tag): tag for tag in tags}
    latest = max(known, default=())
    return known[latest] if latest > version(commit) else ""


def version(tag: str) -> tuple[int, ...]:
    """`v1.2.0` or `v1.2.0-3-gabc123` (three commits later) as (1, 2, 0); () for anything else."""
    found = re.fullmatch(r"v?(\d+(?:\.\d+)+)(?:-\d+-g[0-9a-f]+)?", tag)
    return tuple(int(part) for part in found[1].split(".")) if found else ()


def tell(commit: str, newer: str) -> int:
    """Say whether there is a newer release."""
    out = f"{newer.removeprefix('v')} is out, this is {commit}. Next: python3 run.py template diff"
    print(f"template: {out if newer else commit + ' is the newest release'}")
    return 2 if newer else 0


def git(failed: str, *words: str) -> str:
    """What a git command prints; the last line that it says is the reason why it failed."""
    done = subprocess.run(["git", *words], capture_output=True, text=True)
    if done.returncode:
        raise TemplateError(f"{failed}: {(done.stderr.strip() or 'no reason').splitlines()[-1]}")
    return done.stdout


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # the updater ends with this process
    sys.exit(main(sys.argv[1:]))
