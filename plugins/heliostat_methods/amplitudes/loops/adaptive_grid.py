"""A grid that puts as many samples where an integrand is large: importance sampling by axes.

Each axis of the unit cube is cut into bins of equal probability; refining moves their bounds until
each holds the same share of the integrand's square. Source: Lepage's method (vegas).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


@dataclass(frozen=True, eq=False)
class AdaptiveGrid:
    """``bounds`` (axes, bins + 1): of the bins of each axis, rising from 0 to 1."""

    bounds: Array

    @classmethod
    def uniform(cls, axes: int, bins: int = 64) -> AdaptiveGrid:
        """Return bins of equal width."""
        return cls(np.tile(np.linspace(0.0, 1.0, bins + 1), (axes, 1)))

    def mapped(self, uniform: Array) -> tuple[Array, Array, Array]:
        """Return points (samples, axes), their weights (samples,), and the bins they are in."""
        axes, bins = len(self.bounds), self.bounds.shape[1] - 1
        scaled = uniform * bins
        inside = np.minimum(scaled.astype(int), bins - 1)
        widths = np.diff(self.bounds, axis=1)
        axis = np.arange(axes)
        width = widths[axis, inside]
        points = self.bounds[axis, inside] + (scaled - inside) * width
        return points, np.prod(width * bins, axis=1), inside

    def refined(self, shares: Array, damping: float = 0.7) -> AdaptiveGrid:
        """Return the grid for sums of squares (axes, bins) that its bins came to.

        ``damping``: 0 leaves the grid as it is, 1 follows the sums at once.
        """
        made = []
        for bounds, share in zip(self.bounds, shares, strict=True):
            smooth = np.convolve(np.pad(share, 1, mode="edge"), [0.25, 0.5, 0.25], mode="valid")
            total = smooth.sum()
            if not np.isfinite(total) or total <= 0:
                made.append(bounds)
                continue
            # no bin dies: one without a sample yet keeps a little
            wanted = np.maximum(smooth / total, 1e-6) ** damping
            cumulated = np.concatenate([[0.0], np.cumsum(wanted)])
            places = np.linspace(0.0, cumulated[-1], len(bounds))
            moved = np.interp(places, cumulated, bounds)
            moved[0], moved[-1] = 0.0, 1.0
            made.append(moved)
        return AdaptiveGrid(np.array(made))
