"""What the seam `monitoring` decides: how far a window lies from the reference, and what shows it.

Every option brings the module `engine.monitoring.distances`.
"""

from pathlib import Path
from typing import Protocol

import pandas as pd

LARGE = 0.1
"""From here on a distance counts as large."""


class Report(Protocol):
    """What an option has to show beside the distances."""

    def save(self, folder: Path) -> None:
        """Write its FILES into a folder."""


class Distances(Protocol):
    """The module `engine.monitoring.distances`."""

    FILES: tuple[str, ...]
    """What its report is written as, if it has one."""

    def measure(
        self, reference: pd.DataFrame, current: pd.DataFrame
    ) -> tuple[dict[str, float], Report | None]:
        """The distance of each column to the reference, and the option's report if it has one.

        Both hold the same columns: numbers as float64, the rest categorical; what is missing does
        not count. A number is compared by the Wasserstein distance in standard deviations of the
        reference, a category by the Jensen-Shannon distance.
        """
