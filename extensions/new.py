"""python3 run.py new DESTINATION [copier arguments]: `copier copy` of this checkout."""

from __future__ import annotations

import ast
import os
import re
import runpy
import sys
import warnings
from pathlib import Path
from typing import TextIO

from extensions import origin

ROOT = Path(__file__).resolve().parent.parent
REFUSED = re.compile(r"""'dict object' has no attribute (?P<text>(["'])answers refused: .*\2)""")
MINORS = ((3, 11), (3, 12), (3, 13))
USAGE = """usage: python3 run.py new DESTINATION [copier arguments]

    python3 run.py new ../churn                                   asks everything
    python3 run.py new ../churn --defaults -d model=linear        asks nothing
    python3 run.py new ../churn --data-file answers.yml
"""


def refusal(text: str) -> str:
    """A refusal spelled as it was meant; what a terminal would obey stays escaped."""
    return REFUSED.sub(lambda found: printable(str(ast.literal_eval(found["text"]))), text)


def printable(text: str) -> str:
    """The text on one line, with escapes for characters that do not print."""
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)


class Plain:
    """Standard error without the words that copier puts before our message."""

    def __init__(self, stream: TextIO) -> None:
        self.stream = stream

    def __getattr__(self, name: str) -> object:
        return getattr(self.stream, name)

    def write(self, text: str) -> int:
        """Pass text on; a refusal is spelled as it was meant."""
        return self.stream.write(refusal(text))


def data_files(arguments: list[str]) -> list[Path]:
    """The files named after --data-file."""
    following = zip(arguments, [*arguments[1:], ""], strict=True)
    named = [value for option, value in following if option == "--data-file"]
    named += [a.partition("=")[2] for a in arguments if a.startswith("--data-file=")]
    return [Path(name) for name in named]


def answers_minor(arguments: list[str]) -> bool:
    """Whether the arguments, or a data file among them, already say which Python."""
    files = [path.read_text("utf-8") for path in data_files(arguments) if path.is_file()]
    return any("python_minor=" in argument for argument in arguments) or any(
        re.search(r"(?m)^[\"']?python_minor", text) for text in files
    )


def command(arguments: list[str]) -> list[str]:
    """The words for copier: this checkout as it is, the running Python unless told otherwise."""
    words = ["copier", "copy"]
    if sys.version_info[:2] in MINORS and not answers_minor(arguments):
        words += ["--data", "python_minor={}.{}".format(*sys.version_info)]
    if not any(word.startswith(("--vcs-ref", "-r")) for word in arguments):
        words += ["--vcs-ref", "HEAD"]
    destination, *rest = arguments
    return [*words, *rest, str(ROOT), destination]


def main(arguments: list[str]) -> int:
    """Copy; whatever goes wrong ends in one line and a code that is not 0."""
    if not arguments or arguments[0] in ("-h", "--help"):
        print(USAGE)
        return 0 if arguments else 2
    if arguments[0].startswith("-"):
        print(f"new: the destination comes first, not {arguments[0]}\n\n{USAGE}", file=sys.stderr)
        return 2
    os.chdir(os.environ.get("CALLED_FROM", "."))
    for path in data_files(arguments):
        if not path.is_file():
            print(f"new: --data-file: there is no file {path}", file=sys.stderr)
            return 1
    destination = Path(arguments[0])
    sys.argv = command(arguments)
    sys.stderr = Plain(sys.stderr)
    warnings.showwarning = lambda message, *_: print(f"warning: {message}", file=sys.stderr)
    try:
        runpy.run_module("copier", run_name="__main__", alter_sys=False)
    except SystemExit as end:
        if end.code:
            return end.code if isinstance(end.code, int) else 1
    except Exception as error:  # copier reports many wrong values as a traceback
        print(f"new: {' '.join(str(error).split()) or type(error).__name__}", file=sys.stderr)
        return 1
    for line in origin.record(destination):
        print(f"new: {line}", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
