"""npm of the locked Node.js, in the folder of the app; the verb `npm`."""

from engine.edge import packages


def main(argv: list[str]) -> int:
    """Run npm in web/, for example: python3 run.py npm outdated."""
    return packages.npm(packages.WEB, *argv[1:]).returncode
