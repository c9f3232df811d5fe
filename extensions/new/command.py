"""The command line: Copier's own arguments, and a few of ours."""

from __future__ import annotations

import contextlib
import io
import os
import shutil
import sys
import textwrap
import warnings
from pathlib import Path
from typing import Any

from copier._cli import CopierCopySubApp
from copier._main import Worker
from copier._types import RelativePath, VcsRef
from copier.errors import UnsafeTemplateError, UserMessageError
from plumbum import cli

from extensions import origin
from extensions.new import presets
from extensions.new.call import CallError, check
from extensions.new.conversation import COMMIT, CREATE, Conversation
from extensions.new.ending import committed, no_commit, ready
from extensions.new.existing import clashes
from extensions.new.first_commit import obstacle
from extensions.new.kept import Shelf
from extensions.new.manual import USAGE, manual
from extensions.new.refusals import refusal

ROOT = Path(__file__).resolve().parents[2]
MINORS = ((3, 11), (3, 12), (3, 13))
WRAPPED = textwrap.TextWrapper(79, break_long_words=False, break_on_hyphens=False)


class StopError(Exception):
    """The user stopped the conversation."""


class New(CopierCopySubApp):
    """Makes a repository: a conversation in a terminal, nothing asked elsewhere."""

    PROGNAME = "python3 run.py new"
    DESCRIPTION = ""

    preset = cli.SwitchAttr(["--preset"], str, argname="NAME", help="Answers that go together")
    with_commit = cli.Flag(
        ["--commit"], help="Make a first commit, or fail before anything is made"
    )
    without_commit = cli.Flag(["--no-commit"], help="Make no git repository", excludes=["--commit"])
    verbose = cli.Flag(["--verbose"], help="Name every file that is made")

    def help(self) -> None:
        """What plumbum prints below an error; --help is `manual`."""
        print(USAGE)

    def switches(self) -> str:
        """All options, copier's among them, as plumbum describes them."""
        with contextlib.redirect_stdout(io.StringIO()) as text:
            super().help()
        return text.getvalue().partition("Switches:\n")[2]

    def main(self, destination: str) -> int:  # type: ignore[override]
        """Converse where there is somebody, and copy."""
        folder = Path(destination)
        chosen = presets.answers(self.preset) if self.preset else {}
        why_no_commit = "" if self.without_commit else obstacle(folder)
        if self.with_commit and why_no_commit:
            raise CallError(f"no first commit is possible: {why_no_commit}")
        asks_nothing = self.force or self.defaults
        interactive = sys.stdin.isatty() and sys.stdout.isatty() and not (asks_nothing or self.ask)
        if not interactive:
            self.data = {**chosen, **self.data}
        with self.worker(folder, asks_nothing or bool(self.preset)) as worker:
            wanted = not (self.without_commit or why_no_commit or self.pretend)
            if interactive:
                self.refuse_clashes(worker)
                wanted = self.converse(worker, chosen, why_no_commit)
            self.refuse_clashes(worker)
            self.copy(worker)
            if not self.pretend:
                Shelf(folder).forget()
                notes = origin.record(folder)
                commit = committed(worker) if wanted else no_commit(why_no_commit)
                if not self.quiet:
                    print(ready(worker, commit), end="")
                    for note in notes:
                        print(WRAPPED.fill(f"NOTE: {note}."), file=sys.stderr)
        return 0

    def worker(self, folder: Path, defaults: bool) -> Worker:
        """Copier, with this checkout and the running Python unless told otherwise."""
        running = "{}.{}".format(*sys.version_info)
        known = sys.version_info[:2] in MINORS
        return Worker(
            src_path=str(ROOT),
            dst_path=folder,
            data=self.data,
            user_defaults={"python_minor": running} if known else {},
            answers_file=RelativePath(self.answers_file) if self.answers_file else None,
            vcs_ref=VcsRef.CURRENT if self.vcs_ref == ":current:" else self.vcs_ref or "HEAD",
            exclude=self.exclude,
            use_prereleases=self.prereleases,
            skip_if_exists=self.skip,
            cleanup_on_error=self.cleanup_on_error,
            defaults=defaults,
            overwrite=self.force or self.overwrite,
            pretend=self.pretend,
            quiet=not self.verbose,
            unsafe=self.unsafe,
            skip_tasks=self.skip_tasks,
            ask=self.ask,
        )

    def converse(self, worker: Worker, preset: dict[str, Any], why_no_commit: str) -> bool:
        """Ask; the answers become --data. Whether a first commit is wanted."""
        ways = {CREATE: "Create it, without a first commit"}
        if self.without_commit or why_no_commit:
            ways = {CREATE: "Create it"}
        elif self.with_commit:
            ways = {COMMIT: "Create it, with a first commit"}
        else:
            ways = {COMMIT: "Create it, with a first commit", **ways}
        talk = Conversation(worker, Shelf(worker.dst_path), preset, ways)
        try:
            wanted = talk.run()
        except (KeyboardInterrupt, EOFError):
            raise StopError(
                "; your answers are kept, and the same command goes on" * talk.kept
            ) from None
        worker.data = worker.data | talk.final()
        worker.defaults = True
        return wanted

    def copy(self, worker: Worker) -> None:
        """Copy; a folder that Ctrl-C left half made goes, as after any other error."""
        existed = worker.dst_path.exists()
        try:
            worker.run_copy()
        except KeyboardInterrupt:
            if not existed and worker.cleanup_on_error:
                shutil.rmtree(worker.dst_path, ignore_errors=True)
            raise

    def refuse_clashes(self, worker: Worker) -> None:
        """Stop before a file of the user's would be in the way."""
        here = worker.dst_path
        if (here / worker.answers_relpath).exists() and not worker.overwrite:
            raise CallError(
                f"{here} is a repository of this template already; nothing was written. For a "
                "newer release or other answers, there: run.py template update. To make it anew: "
                "--overwrite"
            )
        found = clashes(worker)
        if found:
            more = f" and {len(found) - 3} more" if len(found) > 3 else ""
            raise CallError(
                f"{here} has files of the same name ({', '.join(found[:3])}{more}); nothing was "
                f"written. To move what is there onto the template: python3 run.py adopt {here}. "
                "To replace its files: --overwrite"
            )


def main(arguments: list[str]) -> int:
    """Make a repository; whatever goes wrong ends in one line and a code that is not 0."""
    os.chdir(os.environ.get("CALLED_FROM", "."))
    warnings.showwarning = lambda message, *_: print(f"warning: {message}", file=sys.stderr)
    try:
        if not arguments:
            print(USAGE, file=sys.stderr)
            return 2
        if {"-h", "--help"} & {*arguments}:
            print(manual(New(New.PROGNAME).switches()))
            return 0
        check(arguments)
        _, code = New.run([New.PROGNAME, *arguments], exit=False)
        return int(code)
    except (StopError, KeyboardInterrupt) as stop:
        print(f"\nStopped{stop}.", file=sys.stderr)
        return 130
    except UserMessageError as problem:
        print(refusal(problem.message), file=sys.stderr)
        return 1
    except UnsafeTemplateError as problem:
        print(f"new: {' '.join(map(str, problem.args))}", file=sys.stderr)
        return 4
    except Exception as problem:  # copier reports many wrong values as a traceback
        said = " ".join(refusal(str(problem)).split()) or type(problem).__name__
        print(f"new: {said}", file=sys.stderr)
        return 1
