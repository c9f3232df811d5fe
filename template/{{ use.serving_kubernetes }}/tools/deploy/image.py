"""Which image a stage runs: `images` in its kustomization, where a commit keeps it.

    python3 -m tools.deploy.image STAGE IMAGE

`kustomize edit set image` does the same; it is no part of kubectl.
"""

import re
import sys
from pathlib import Path

from . import DEPLOY

LINE = re.compile(r"^(  - \{name: (?P<name>[^,}\s]+)), [^}]*\}", re.MULTILINE)


def main(argv: list[str]) -> int:
    """Write an image into the kustomization of a stage."""
    stage, image = argv
    path = DEPLOY / "kubernetes" / "overlays" / stage / "kustomization.yaml"
    path.write_text(with_image(path.read_text("utf-8"), image), "utf-8", newline="\n")
    return 0


def command(stage: str, image: str) -> list[str]:
    """What writes it, as a step of `deploy`."""
    return [Path(sys.executable).as_posix(), "-m", "tools.deploy.image", stage, image]


def with_image(text: str, image: str) -> str:
    """The text of a kustomization with another image.

    Raises ValueError where `images` is not one line that begins with `- {name:`.
    """
    found = LINE.findall(text)
    if len(found) != 1:
        raise ValueError("images must be one line that begins with: - {name:")
    name, version = split(image)
    key = "digest" if version.startswith("sha256:") else "newTag"
    return LINE.sub(rf"\g<1>, newName: {name}, {key}: '{version}'}}", text)


def split(image: str) -> tuple[str, str]:
    """The name of an image, with its registry, and its tag or digest."""
    name, _, digest = image.partition("@")
    if digest:
        return name, digest
    path, _, last = image.rpartition("/")
    short, _, tag = last.partition(":")
    return f"{path}/{short}".lstrip("/"), tag or "latest"


def is_fixed(image: str) -> bool:
    """Whether the image is named by a digest or a version, so that it can be gone back to."""
    return split(image)[1] != "latest"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
