"""Where the cells of finite differences lie: small at barriers and strike, which are their edges.

The number of cells up to y is C(y) = y / background + sum over features of asinh((y - f) / width):
a cell is about `width` / n at a feature and grows in proportion to the distance from it. Grids of
2, 3 and 4 times as many cells share C, so that their errors have one expansion in the size of
cells. Pieces of a mesh end at barriers and follow them where they grow apart.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from heliostat_methods.step_options.contracts.validation import Vector


@dataclass(frozen=True)
class Feature:
    """A place that wants small cells, and how small."""

    place: float
    width: float


@dataclass(frozen=True)
class Density:
    """Cells as a function of place."""

    background: float
    features: tuple[Feature, ...]

    def upto(self, y: Vector) -> Vector:
        """Return C(y), increasing."""
        total = y / self.background
        for feature in self.features:
            total = total + np.arcsinh((y - feature.place) / feature.width)
        return np.asarray(total)

    def cut(self, low: float, high: float, cells: int) -> Vector:
        """Return the edges (cells + 1,) of equally many C each, as fractions of the interval."""
        ends = self.upto(np.array([low, high]))
        wanted = np.linspace(ends[0], ends[1], cells + 1)
        a, b = np.zeros(cells + 1), np.ones(cells + 1)
        for _ in range(52):  # bisection: C is steep where a feature is narrow
            middle = (a + b) / 2
            under = self.upto(low + (high - low) * middle) < wanted
            a, b = np.where(under, middle, a), np.where(under, b, middle)
        found = (a + b) / 2
        found[0], found[-1] = 0.0, 1.0
        return found


@dataclass(frozen=True)
class Mesh:
    """Fractions of each piece's edges; `ends` of the pieces move linearly in time.

    `start`, `speed` (pieces + 1,): ends at t = 0 and their velocities.
    """

    fractions: tuple[Vector, ...]
    start: Vector
    speed: Vector

    def edges(self, t: float) -> Vector:
        """Return all edges of cells at time t, (cells + 1,)."""
        ends = self.start + self.speed * t
        parts = [
            a + (b - a) * f[:-1]
            for f, (a, b) in zip(self.fractions, itertools.pairwise(ends), strict=True)
        ]
        return np.concatenate([*parts, ends[-1:]])

    @property
    def moves(self) -> bool:
        """Whether edges depend on time."""
        return bool(np.any(self.speed != 0.0))


def spread(density: Density, ends: Sequence[float], nodes: int, level: int) -> list[Vector]:
    """Return fractions of pieces with `nodes` cells in all on level 4; level: 2, 3 or 4.

    Every piece has four cells on the coarsest grid at least.
    """
    at = density.upto(np.asarray(ends, dtype=np.float64))
    share = np.diff(at) / (at[-1] - at[0])
    counts = [max(2, round(float(s) * nodes / 4)) for s in share]
    return [
        density.cut(a, b, level * count)
        for (a, b), count in zip(itertools.pairwise(ends), counts, strict=True)
    ]


def averaged_step(low: Vector, high: Vector, wall: float, low_after: Vector, high_after: Vector,
                  wall_after: float) -> Vector:  # fmt: skip
    """Return the share of each cell above a wall, averaged while both move linearly.

    low, high (n,): edges of cells now; `_after`: at the end of the time. 1 where all is above.
    """
    a = (high - wall) / (high - low)
    b = (high_after - wall_after) / (high_after - low_after)

    def area(x: Vector) -> Vector:
        # the integral of clip(x, 0, 1)
        inside = np.clip(x, 0.0, 1.0)
        return np.asarray(inside * inside / 2 + np.maximum(x - 1.0, 0.0))

    width = b - a
    moved = np.abs(width) > 1e-6
    mean = (area(b) - area(a)) / np.where(moved, width, 1.0)
    return np.asarray(np.where(moved, mean, np.clip((a + b) / 2, 0.0, 1.0)))
