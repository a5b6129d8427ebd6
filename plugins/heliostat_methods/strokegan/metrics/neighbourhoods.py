"""How well two clouds of features lie in each other's neighbourhoods."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from heliostat_methods.strokegan.metrics.checks import Floats, checked_clouds
from heliostat_methods.strokegan.metrics.distances import exact_distances

NEIGHBOURS = 5


@dataclass(frozen=True)
class Neighbourhoods:
    """Shares that tell wrong glyphs (precision, density) from missing ones (recall, coverage)."""

    precision: float
    """Outputs that lie in a ball of the truth."""
    recall: float
    """True glyphs that lie in a ball of the outputs."""
    density: float
    """Balls of the truth that an output lies in, by k: 1 if both are alike, without a bound."""
    coverage: float
    """Balls of the truth that hold an output."""


def neighbourhoods(truth: ArrayLike, outputs: ArrayLike, k: int = NEIGHBOURS) -> Neighbourhoods:
    """Return precision, recall, density and coverage of features (n, d), (m, d).

    A ball reaches from a point to its k-th neighbour of its own cloud, without its surface: one of
    k + 1 equal points holds nothing. Naeem et al. 2020, equations 1 to 6; precision and recall as
    Kynkäänniemi et al. 2019. Raises ValueError unless 1 <= k < n, m.
    """
    if k < 1:
        raise ValueError(f"k: {k}, expected at least 1")
    real, fake = checked_clouds(truth, outputs, least=k + 1)
    scale = max(float(np.abs(real).max()), float(np.abs(fake).max()), np.finfo(float).tiny)
    real, fake = real / scale, fake / scale
    reach_real, reach_fake = _reaches(real, k), _reaches(fake, k)
    apart = exact_distances(real, fake)
    within = apart < reach_real[:, None]
    return Neighbourhoods(
        precision=float(within.any(axis=0).mean()),
        recall=float((apart < reach_fake).any(axis=1).mean()),
        density=float(within.sum(axis=0).mean() / k),
        coverage=float(within.any(axis=1).mean()),
    )


def _reaches(points: Floats, k: int) -> Floats:
    """Return distances (n,) to the k-th neighbour, the point itself not counted."""
    return np.asarray(np.partition(exact_distances(points, points), k, axis=1)[:, k])
