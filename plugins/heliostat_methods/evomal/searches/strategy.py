"""What a way to find losses is: its settings are its fields, and ``find`` does the rest."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from heliostat import Run, Shared
from heliostat_methods.evomal.searches.found import FoundLosses
from heliostat_methods.evomal.tasks import Problems


@dataclass(frozen=True)
class Posed:
    """The data sets that one loss is searched for, and the handle under which workers have them."""

    group: Problems
    problems: Shared[Problems]
    products: tuple[str, ...] = ()
    """The names under which the best loss so far is kept for each data set; none for none."""


class LossSearch(Protocol):
    """One way to find a loss; the table of all of them is ``STRATEGIES`` in ``by_name``."""

    def find(self, posed: Posed, run: Run) -> FoundLosses:
        """Search a loss for all the data sets that are posed."""
        ...
