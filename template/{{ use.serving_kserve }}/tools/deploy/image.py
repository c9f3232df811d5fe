"""Which image a stage runs: the first container of its InferenceService; a commit keeps it.

python3 -m tools.deploy.image FILE IMAGE
"""

import re
import sys
from pathlib import Path
from typing import Any

from . import manifests

LINE = re.compile(r"^( +image: )[^ \n]+", re.MULTILINE)


def main(argv: list[str]) -> int:
    """Write an image into the file of a stage."""
    file, image = argv
    path = Path(file)
    path.write_text(with_image(path.read_text("utf-8"), image), "utf-8", newline="\n")
    return 0


def command(file: str, image: str) -> list[str]:
    """What writes it, as a step of `deploy`."""
    return [Path(sys.executable).as_posix(), "-m", "tools.deploy.image", file, image]


def with_image(text: str, image: str) -> str:
    """The text of a stage with another image.

    Raises ValueError where not exactly one line names an image.
    """
    if len(LINE.findall(text)) != 1:
        raise ValueError("one line must name the image: image: NAME")
    return LINE.sub(rf"\g<1>{image}", text)


def is_fixed(image: str) -> bool:
    """Whether the image is named by a digest or a version, so that it can be gone back to."""
    _, _, last = image.rpartition("/")
    return "@" in last or last.partition(":")[2] not in ("", "latest")


def of_service(path: Path) -> Any:
    """The InferenceService of a file.

    Raises ValueError where there is none.
    """
    for each in manifests.documents(path):
        if each.get("kind") == "InferenceService":
            return each
    raise ValueError(f"{path.name} holds no InferenceService")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
