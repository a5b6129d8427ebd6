"""Integrals along the radial direction: Gauss-Legendre panels, and their running integrals.

Panels grow geometrically, since fields vary at z ~ 1/K for every sum of norms K. Running integrals
integrate the polynomial through a panel's nodes. They carry their exponential weights as ratios, so
that neither I_nu nor K_nu is ever formed where it overflows.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.polynomial import legendre
from numpy.typing import NDArray

Array = NDArray[np.float64]

WIDEST = 6.0
"""Decay lengths of the steepest exponential that a panel may be wide; wider ones are split."""
MOST_PANELS = 3000


@dataclass(frozen=True)
class RadialGrid:
    """Panels [edges[p], edges[p+1]] with Gauss-Legendre nodes ``z`` (panels, order).

    ``weights``: of the integral over everything, as ``z``. ``running``: (order, order), the
    integral over [-1, 1] up to each node.
    """

    edges: Array
    z: Array
    weights: Array
    running: Array

    def integral(self, values: Array) -> Array:
        """Return integrals of values (.., panels, order)."""
        return np.asarray(np.sum(values * self.weights, axis=(-2, -1)))

    def from_start(self, values: Array, rate: float = 0.0) -> Array:
        """Return int_start^z e^{-rate (z - t)} values(t) dt at all nodes.

        ``values``: (.., panels, order).
        """
        z, start, end = self.z, self.edges[:-1], self.edges[1:]
        half = (end - start) / 2
        inner = half[:, None, None] * self.running * np.exp(-rate * (z[:, :, None] - z[:, None, :]))
        found = np.einsum("pij,...pj->...pi", inner, values)
        whole = np.sum(values * self.weights * np.exp(-rate * (end[:, None] - z)), axis=-1)
        carried = np.zeros(values.shape[:-2])
        decay = np.exp(-rate * (end - start))
        for p in range(len(half)):
            found[..., p, :] += carried[..., None] * np.exp(-rate * (z[p] - start[p]))
            carried = decay[p] * carried + whole[..., p]
        return np.asarray(found)

    def to_end(self, values: Array, rate: float = 0.0) -> Array:
        """Return int_z^end e^{-rate (t - z)} values(t) dt at all nodes."""
        flipped = np.flip(values, axis=(-2, -1))
        return np.flip(self.mirrored.from_start(flipped, rate), axis=(-2, -1))

    @property
    def mirrored(self) -> RadialGrid:
        """The grid of -z."""
        return RadialGrid(
            -self.edges[::-1], -self.z[::-1, ::-1], self.weights[::-1, ::-1], self.running
        )


def radial_grid(
    start: float, end: float, panels: int, order: int, steepest: float, first_edge: float = 1e-5
) -> RadialGrid:
    """Return panels from start to end, geometric in z; those too wide for e^{-steepest z} split.

    ``first_edge``: the end of the panel that begins at 0, in units of the last edge.
    Raises ValueError where that takes more than 3000 panels.
    """
    first = max(start, first_edge * end)
    edges = list(np.geomspace(first, end, panels + 1 if start >= first else panels))
    if start < first:
        edges.insert(0, start)
    pieces = [max(1, math.ceil((b - a) * steepest / WIDEST)) for a, b in pairwise(edges)]
    if sum(pieces) > MOST_PANELS:
        raise ValueError(
            f"zmax: {end:.6g} takes {sum(pieces)} panels at the largest norm {steepest:.6g}, "
            f"expected at most {MOST_PANELS}: norms are too far apart"
        )
    split = [
        np.linspace(a, b, k + 1)[1:] for (a, b), k in zip(pairwise(edges), pieces, strict=True)
    ]
    made = np.concatenate([[edges[0]], *split])
    x, w = legendre.leggauss(order)
    half, middle = np.diff(made) / 2, (made[1:] + made[:-1]) / 2
    return RadialGrid(made, middle[:, None] + half[:, None] * x, half[:, None] * w, _running(x, w))


def _running(x: Array, w: Array) -> Array:
    """Return the integrals from -1 to x_i of the Lagrange polynomials of x_j."""
    order = len(x)
    p = legendre.legvander(x, order)
    integrals = np.empty((order, order))
    integrals[:, 0] = x + 1
    for k in range(1, order):
        integrals[:, k] = (p[:, k + 1] - p[:, k - 1]) / (2 * k + 1)
    # l_j = sum_k (2k+1)/2 w_j P_k(x_j) P_k, exact for Gauss nodes
    to_legendre = (2 * np.arange(order) + 1)[:, None] / 2 * (p[:, :order] * w[:, None]).T
    return np.asarray(integrals @ to_legendre)
