"""Ends of an interval of the squared gap: the gaps under which the estimate is no surprise."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from heliostat_methods.fams.groups.arguments import ArrayError
from heliostat_methods.fams.metrics.cells import Cells
from heliostat_methods.fams.metrics.squared_gap import squared_gap
from heliostat_methods.fams.metrics.wilson import normal_quantile

_AT_ONCE = 2_000_000
_DOUBLINGS = 60
_PRECISION = 0.01
"""Of an end's distance; the noise of the drawn labels is of that size."""
_SMALL = 1e-4
"""A squared gap from which the search begins if the estimate is smaller."""
_ROUNDING = 1e-12
"""Gaps nearer than this are equal: sums of the same terms may differ in their last bits."""
_RESTING = 1e-9
"""Rates that move by less are those of bins of one cell, but for rounding."""
Statistic = Callable[[Cells, NDArray[np.float64], NDArray[np.float64]], NDArray[np.float64]]


@dataclass(frozen=True, eq=False)
class Ray:
    """Rates of cells from those of a score that is right outward: centre + c away, cut to 0 and 1.

    `centre`, `away`: (cells,). Further out, the squared gap is larger.
    """

    cells: Cells
    masses: NDArray[np.float64]
    centre: NDArray[np.float64]
    away: NDArray[np.float64]

    def rates(self, c: float) -> NDArray[np.float64]:
        """Return the rates at distance c."""
        return np.clip(self.centre + c * self.away, 0, 1)

    def squared(self, c: float) -> float:
        """Return the squared gap of the rates at distance c."""
        return _squared_of(self.cells, self.masses, self.rates(c)) if c > 0 else 0.0

    def distance(self, squared: float) -> float:
        """Return c of a squared gap, as if no rate were cut."""
        spread = _squared_of(self.cells, self.masses, self.away)
        return math.sqrt(max(0.0, squared) / spread)


def rays(cells: Cells, masses: NDArray[np.float64], confidence: float) -> tuple[Ray, ...]:
    """Return rays through the rates of the cells, and through rates above and below in turn.

    Which rates a gap comes from is not known, only estimated; a few ways are tried, and the ends
    that lie farthest out are taken. The centre is not the rate of the bin: a bin whose labels are
    all alike may still have others, and rates nearer 1/2 scatter more. The first ray is the one of
    the rates unless they are equal. Raises ArrayError where no bin holds two cells.
    """
    rates = cells.positives / cells.rows
    pooled = cells.pooled(masses, rates)
    centre = _centre(cells, pooled, normal_quantile(confidence))
    place = np.arange(len(rates)) - cells.starts[cells.bin]
    turns = np.where(place % 2, 1.0, -1.0)
    turns = turns - cells.pooled(masses, turns)
    found = [Ray(cells, masses, centre, way) for way in (rates - pooled, turns, -turns)]
    if not found[1].away.any():
        raise ArrayError(
            "sensitive_features: no score bin holds two subgroups with two rows each, so there is "
            "nothing to compare; take fewer bins or larger subgroups"
        )
    return tuple(ray for ray in found if _squared_of(cells, masses, ray.away) > _ROUNDING)


def _centre(cells: Cells, pooled: NDArray[np.float64], z: float) -> NDArray[np.float64]:
    """Return the middle of Wilson's interval of each bin, moved towards 1/2.

    Moved by z / sqrt(bins) standard errors: all bins together are then moved by z.
    """
    rows = cells.of_bins(cells.rows)[cells.bin]
    middle = (pooled * rows + z * z / 2) / (rows + z * z)
    error = np.sqrt(middle * (1 - middle) / (rows + z * z))
    moved = np.minimum(np.abs(middle - 0.5), z * error / np.sqrt(len(cells.starts)))
    centre: NDArray[np.float64] = middle + np.sign(0.5 - middle) * moved
    return centre


def lower_end(ray: Ray, value: float, level: float, draws: int, seed: int) -> float:
    """Return the least squared gap under which `value` or more has the chance `level`."""

    def beyond(c: float) -> float:
        drawn = estimates(ray, c, draws, seed)
        return float(np.quantile(drawn, 1 - level, method="higher")) - value + _ROUNDING

    return ray.squared(_crossing(ray, beyond, value))


def upper_end(ray: Ray, value: float, level: float, draws: int, seed: int) -> float:
    """Return the largest squared gap under which `value` or less has the chance `level`.

    A value below the median of chance counts as that median (a power-constrained limit, Cowan,
    Cranmer, Gross and Vitells 2011, arXiv 1105.3166): luck in the noise is no sign of a small gap.
    """
    least = max(value, float(np.median(estimates(ray, 0.0, draws, seed))))

    def beyond(c: float) -> float:
        drawn = estimates(ray, c, draws, seed)
        return float(np.quantile(drawn, level, method="lower")) - least - _ROUNDING

    return ray.squared(_crossing(ray, beyond, value))


def _crossing(ray: Ray, beyond: Callable[[float], float], value: float) -> float:
    """Return the distance at which `beyond` becomes positive; 0, or the last one, if it does not.

    The search begins where the gap is about `value`.
    """
    from scipy.optimize import brentq

    if beyond(0.0) >= 0:
        return 0.0
    near, far = 0.0, ray.distance(max(value, _SMALL))
    for _ in range(_DOUBLINGS):
        if beyond(far) > 0:
            return float(brentq(beyond, near, far, xtol=_PRECISION * far, disp=False))
        if np.isin(ray.rates(far)[np.abs(ray.away) > _RESTING], (0, 1)).all():
            break
        near, far = far, 2 * far
    return far


def estimates(ray: Ray, c: float, draws: int, seed: int) -> NDArray[np.float64]:
    """Return estimates of the squared gap from labels drawn at distance c."""
    return redrawn(ray.cells, ray.masses, ray.rates(c), draws, seed, squared_gap)


def _squared_of(cells: Cells, masses: NDArray[np.float64], rates: NDArray[np.float64]) -> float:
    return float((masses * (rates - cells.pooled(masses, rates)) ** 2).sum())


def redrawn(
    cells: Cells,
    masses: NDArray[np.float64],
    chances: NDArray[np.float64],
    draws: int,
    seed: int,
    statistic: Statistic,
    at_once: int = _AT_ONCE,
) -> NDArray[np.float64]:
    """Return a statistic of labels drawn with these chances; `at_once` bounds the memory."""
    generator = np.random.default_rng(seed)
    rows, chunk = cells.rows.astype(np.int64), max(1, at_once // len(chances))
    found = []
    for begin in range(0, draws, chunk):
        size = (min(chunk, draws - begin), len(rows))
        positives = generator.binomial(rows, chances, size).astype(np.float64)
        found.append(statistic(cells, masses, positives))
    return np.concatenate(found)
