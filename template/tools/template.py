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
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

ANSWERS = ".copier-answers.yml"


class TemplateError(Exception):
    """What stands in the way; shown without a traceback."""


class Place(NamedTuple):
    """Where a commit of the template stands among its releases."""

    name: str  # as it is recorded
    commit: str
    release: str  # the newest at or before it; empty before the first
    later: int  # commits since then
    newest: str  # the newest of all
    behind: int  # commits that the template has and this one does not

    @property
    def newer(self) -> str:
        """The newest release, if it is newer than this commit."""
        return self.newest if version(self.newest) > version(self.release) else ""

    def __str__(self) -> str:
        """In the words of a person."""
        if not self.release:
            return f"commit {self.name}"
        return f"{counted(self.later)} after {self.release}" if self.later else self.release


def main(argv: list[str]) -> int:
    """Say whether there is a newer release, or let the newest one do what is asked."""
    try:
        if {"-h", "--help"} & {*argv}:
            print(__doc__)
            return 0
        work = {"diff", "update"} & {*argv}
        if not work and argv not in ([], ["check"]):
            raise TemplateError(f"{' '.join(argv)}: say diff or update with it; see --help")
        source, name = recorded(Path.cwd())
        tell_step(f"reading the releases of {shown(source)}")
        options = any(word.startswith(("-d", "--data", "--to")) for word in argv)
        with tempfile.TemporaryDirectory(prefix="template-", ignore_cleanup_errors=True) as folder:
            fetch(source, folder)
            here = place(folder, source, name)
            if not work or not (here.newer or options):
                return tell(source, here)
            wanted = releases(folder).get(here.newer, here.commit)
            git("-C", folder, "checkout", "--quiet", wanted)
            does = f"the updater of {here.newer or here}"
            tell_step(f"{does} installs what it needs, once, in a folder that goes away again")
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
        missing = " and ".join(sorted({"_src_path", "_commit"} - found.keys()))
        raise TemplateError(
            f"{ANSWERS} does not say where this repository comes from: no {missing}. Write"
            " there the template's address (_src_path) and the release this was made from (_commit)"
        )
    return found["_src_path"], found["_commit"]


def address(source: str) -> str:
    """The address as git knows it; Copier also takes gh:, gl: and git+ in front."""
    for short, host in (("gh:", "github.com"), ("gl:", "gitlab.com")):
        if source.startswith(short):
            return f"https://{host}/{source.removeprefix(short).removesuffix('.git')}.git"
    return source.removeprefix("git+")


def shown(source: str) -> str:
    """The address without a user or password in it."""
    return re.sub("//[^/@]*@", "//", source)


def is_local(source: str) -> bool:
    """Whether the address is a folder, which other machines do not have."""
    return bool(re.match(r"file:|[/~.\\]|[A-Za-z]:[/\\]", address(source)))


def fetch(source: str, folder: str) -> None:
    """The whole history of the template; no file of it is laid out."""
    elsewhere = (
        "That is a folder of the machine on which this was made"
        if is_local(source)
        else "Look whether the network and your rights let git ls-remote reach it, or it has moved"
    )
    way_out = f"{elsewhere}; another address is written at _src_path in {ANSWERS}"
    call = ("clone", "--quiet", "--no-checkout", "--", address(source), folder)
    git(*call, failed=f"{shown(source)} cannot be reached", way_out=way_out)


def releases(folder: str) -> dict[str, str]:
    """The commit of each release: a tag, or without one the commit that brought its file."""
    tags = git("-C", folder, "tag", "--format=%(refname:strip=2) %(objectname) %(*objectname)")
    found = {words[0]: words[-1] for words in map(str.split, tags.splitlines())}
    for path in git("-C", folder, "ls-tree", "--name-only", "HEAD", "releases/").splitlines():
        brought = ("log", "-1", "--diff-filter=A", "--format=%H", "HEAD", "--", path)
        found.setdefault("v" + Path(path).stem, git("-C", folder, *brought).strip())
    return found


def place(folder: str, source: str, name: str) -> Place:
    """Find a recorded commit in the template's history, by whatever name it has there now."""
    known = releases(folder)
    try:
        commit = known.get(name) or git("-C", folder, "rev-parse", "--verify", name + "^{commit}")
    except TemplateError:
        raise TemplateError(
            f"{shown(source)} has no {name}, the commit that {ANSWERS} records: it was never pushed"
            " there, or is gone. Push it from where this was made (git push --tags origin HEAD), or"
            f" write at _commit the release this came from; the newest is {newest(known) or 'none'}"
        ) from None
    commit = commit.strip()
    history = {*git("-C", folder, "rev-list", commit).split()}
    release = newest(tag for tag, its in known.items() if its in history)
    since = f"{known[release]}..{commit}" if release else commit
    later, behind = (
        int(git("-C", folder, "rev-list", "--count", span)) for span in (since, commit + "..HEAD")
    )
    return Place(name, commit, release, later, newest(known), behind)


def newest(tags: Iterable[str]) -> str:
    """The newest release, or nothing; pre-releases are passed over."""
    return max((tag for tag in tags if version(tag)), key=version, default="")


def version(tag: str) -> tuple[int, ...]:
    """`v1.2.0` as (1, 2, 0); () for anything else."""
    found = re.fullmatch(r"v?(\d+(?:\.\d+)+)", tag)
    return tuple(map(int, found[1].split("."))) if found else ()


def counted(commits: int) -> str:
    """How many, in words."""
    return "1 commit" if commits == 1 else f"{commits} commits"


def tell(source: str, here: Place) -> int:
    """Say whether there is a newer release, and what was compared."""
    if here.newer:
        said = f"{here.newer} is out, this is {here}. Next: python3 run.py template diff"
    elif not here.newest:
        behind = f"{counted(here.behind)} behind its newest"
        said = f"{shown(source)} has released nothing yet; this is {here}, {behind}"
    elif here.later:
        said = f"this is {here}, which is the newest release"
    else:
        said = f"{here} is the newest release"
    print(f"template: {said}")
    return 2 if here.newer else 0


def tell_step(what: str) -> None:
    """Say what takes a while before it begins; not on stdout, where `diff` puts a patch."""
    print(f"template: {what} ...", file=sys.stderr, flush=True)


def git(*words: str, failed: str = "", way_out: str = "") -> str:
    """What a git command prints; if it fails: what failed, all that git says, and the way out."""
    done = subprocess.run(["git", *words], capture_output=True, text=True)
    if done.returncode:
        said = " ".join(done.stderr.split()) or "git gives no reason"
        told = f"{failed or 'git ' + ' '.join(words) + ' failed'}: {said}"
        raise TemplateError(f"{told.rstrip('.')}. {way_out}" if way_out else told)
    return done.stdout


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # the updater ends with this process
    sys.exit(main(sys.argv[1:]))
