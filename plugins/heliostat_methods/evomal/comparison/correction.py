"""p-values of a comparison, corrected for as many losses as are compared."""

from __future__ import annotations

from heliostat_methods.evomal.comparison.outcome import Comparison
from heliostat_methods.evomal.comparison.protocol import Way
from heliostat_search.statistics import holm
from heliostat_search.trainings.paired_seeds import PairedTest


def holm_corrected(comparison: Comparison, way: Way) -> dict[str, float]:
    """Return by role the t-test's p of each contestant, for as many as are compared that way."""
    found: dict[str, PairedTest] = {
        one.role: test for one in comparison.tests if (test := getattr(one, way)) is not None
    }
    return dict(zip(found, holm([test.t_p for test in found.values()]), strict=True))
