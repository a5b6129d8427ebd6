"""Wavefunction coefficients in AdS_{d+1} for any d >= 3, in floats, by quadrature.

With nu = d/2 - 1, phi(x) = 2^{1-nu} x^nu K_nu(x) / Gamma(nu) and u_1 = z^nu I_nu(wz),
u_2 = z^nu K_nu(wz), whose Wronskian times z^{3-d} is 1,

    A_T = -[u_2 int_0^z u_1 t^{3-d} N_T dt + u_1 int_z^inf u_2 t^{3-d} N_T dt],
    A_L = -int_0^z t^{d-3} int_t^inf t'^{3-d} N_L dt' dt,  psi = (1/2) int z^{3-d} N.A_last dz.

Coefficients of few legs diverge at z -> 0 for d >= 4: n = 3 and 4 from d = 4 on, 5 and 6 from
d = 6 on, and so forth. A ``cutoff`` puts the boundary at z = cutoff instead of 0: fields have their
boundary values there (u_1 loses its part along u_2, phi is 1 there), so coefficients stay cyclic.
Source: derived.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from heliostat_methods.amplitudes.ads.particles import OrderedParticles, ordered_particles
from heliostat_methods.amplitudes.ads.quadrature import Array, RadialGrid, radial_grid
from heliostat_methods.amplitudes.currents.theories import Scalars
from heliostat_methods.amplitudes.currents.vector_currents import Span
from heliostat_methods.amplitudes.currents.vertices import four_splits, three_splits
from heliostat_methods.amplitudes.currents.words import subwords
from heliostat_methods.amplitudes.errors import InvalidPoint
from heliostat_methods.amplitudes.kinematics.ads_point import AdSPoint
from heliostat_methods.amplitudes.kinematics.space import unit

SHORTEST = 20.0
"""Decay lengths of the product of all legs that the range of z has at least; e^-20 is 2e-9."""
ROUNDING = 8.0
"""Units of rounding of a term of the last integrand, for norms of one size."""


@dataclass(frozen=True)
class QuadratureResult:
    """A coefficient in floats, and how it was found.

    ``error``: the difference to a finer and longer grid, and rounding. ``cutoff``: where the
    boundary lies, 0 unless it was asked for; ``diverges``: whether psi grows without bound as it
    goes to 0, so that the value is one of this cutoff alone. ``panels`` as asked for, ``order``
    nodes in each, up to ``zmax``.
    """

    value: float
    error: float
    d: int
    cutoff: float
    diverges: bool
    panels: int
    order: int
    zmax: float


def psi_quadrature(
    theory: str, point: AdSPoint, d: int, panels: int = 60, order: int = 16,
    zmax: float | None = None, cutoff: float | None = None, word: Sequence[int] | None = None,
    scalars: Scalars = (),
) -> QuadratureResult:  # fmt: skip
    """Return psi for a boundary of d dimensions, 3 <= d <= 16, with an error estimate.

    ``theory``: "ym", "yms" or "yms_minimal"; ``word`` and ``scalars`` as of `psi`. ``zmax``: where
    the integrals end, by default 40 decay lengths of the slowest exponential. ``cutoff``: where the
    boundary lies; needed where psi diverges, which the result says, and ValueError says without
    one. Norms are positive, otherwise InvalidPoint. Source: derived.
    """
    asked = ordered_particles(
        theory, point, word, scalars, None, known=("ym", "yms", "yms_minimal")
    )
    _whole("d", d, 3, 16)
    _whole("panels", panels, 2, 1000)
    _whole("order", order, 2, 64)
    real = _real_point(point)
    diverges = d >= 4 + 2 * ((point.n - 3) // 2)
    if cutoff is None and diverges:
        raise ValueError(
            f"cutoff: None, but for {point.n} legs psi diverges at the boundary z -> 0 in d = {d} "
            "dimensions; expected a cutoff such as 0.001"
        )
    start = 0.0 if cutoff is None else _positive("cutoff", cutoff)
    end = _default_end(real) + start if zmax is None else _positive("zmax", zmax)
    if start >= end:
        raise ValueError(f"cutoff: {start!r}, expected less than zmax = {end!r}")
    decay = float(sum(real.norms))
    if (end - start) * decay < SHORTEST:
        raise ValueError(
            f"zmax: {end!r}, expected at least {start + SHORTEST / decay:.3g}: beyond it the "
            "integrand still counts, and the error could not tell"
        )
    # in units of the largest norm nothing overflows before the answer does; psi ~ |k|^{d-n}
    largest = max(*real.norms, *real.planar_norms.values())
    scaled, low, high = _divided(real, largest), start * largest, end * largest
    value, rounding = _evaluate(theory, scaled, asked, d, low, high, panels, order)
    finer, _ = _evaluate(
        theory, scaled, asked, d, low, low + 1.25 * (high - low), panels * 3 // 2, order + 4
    )
    try:
        unit_of_psi = largest ** (d - point.n)
    except OverflowError:
        unit_of_psi = math.inf
    error = (abs(value - finer) + rounding) * unit_of_psi
    value = value * unit_of_psi
    if not (math.isfinite(value) and math.isfinite(error)):
        raise InvalidPoint(
            f"norms: psi in d = {d} overflows floats at them; expected norms of moderate size"
        )
    return QuadratureResult(value, error, d, start, diverges, panels, order, end)


def _evaluate(
    theory: str, point: AdSPoint, asked: OrderedParticles, d: int, start: float, end: float,
    panels: int, order: int,
) -> tuple[float, float]:  # fmt: skip
    """Return psi at a point whose largest norm is 1, and the size of what rounding makes of it."""
    # powers z^{d-4} of running integrals are no polynomials near 0 beyond d = 3
    grid = radial_grid(start, end, panels, order, 1.0, 1e-5 if d == 3 else 1e-15)
    last = asked.word[-1]
    with np.errstate(all="ignore"):  # what overflows is refused below
        radial = RadialEquation(grid, d, start)
        currents = _GridCurrents(point, asked, radial, quartic=theory != "yms_minimal")
        free = radial.boundary_to_bulk(float(point.norms[last]))
        terms = currents.closed_with(last) * (radial.weight * free / 2)
        value, size = float(grid.integral(terms.sum(0))), float(grid.integral(np.abs(terms).sum(0)))
    # products k_i.k_j come from differences of squares, and are divided by the smallest square
    smallest = min(float(x) for x in (*point.norms, *point.planar_norms.values()))
    rounding = ROUNDING * float(np.finfo(float).eps) * (1 + smallest**-2)
    return value, rounding * size


class RadialEquation:
    """z^{d-3} (z^{3-d} A')' - w^2 A = N on a grid, with A = 0 at its start and bounded."""

    def __init__(self, grid: RadialGrid, d: int, start: float) -> None:
        self.grid, self.d, self.start, self.nu = grid, d, start, d / 2 - 1
        self.weight: Array = grid.z ** (3.0 - d)

    def boundary_to_bulk(self, norm: float) -> Array:
        """Return phi(|k| z), which is 1 at the boundary."""
        from scipy.special import kve

        def free(z: Any) -> Any:
            return (norm * z) ** self.nu * kve(self.nu, norm * z)

        if self.start:
            ratio = free(self.grid.z) / free(self.start)
        else:
            ratio = free(self.grid.z) * 2 ** (1 - self.nu) / math.gamma(self.nu)
        return np.asarray(ratio * np.exp(-norm * (self.grid.z - self.start)))

    def transverse(self, source: Array, norm: float) -> Array:
        """Return A_T for a source (.., panels, order)."""
        from scipy.special import ive, kve

        nu, z = self.nu, self.grid.z
        # both without their exponentials, which `from_start` and `to_end` put back as ratios
        growing, decaying = z**nu * ive(nu, norm * z), z**nu * kve(nu, norm * z)
        if self.start:
            at_start = ive(nu, norm * self.start) / kve(nu, norm * self.start)
            growing = growing - at_start * np.exp(-2 * norm * (z - self.start)) * decaying
        weighted = source * self.weight
        below = self.grid.from_start(growing * weighted, norm)
        above = self.grid.to_end(decaying * weighted, norm)
        return np.asarray(-(decaying * below + growing * above))

    def longitudinal(self, source: Array) -> Array:
        """Return A_L for a source (.., panels, order)."""
        flux = self.grid.to_end(source * self.weight)
        return -self.grid.from_start(flux / self.weight)


class _GridCurrents:
    """Currents (2n - 1 + flavours, panels, order) of all subwords but the last leg's."""

    def __init__(
        self, point: AdSPoint, asked: OrderedParticles, radial: RadialEquation, *, quartic: bool
    ) -> None:
        self.point, self.asked, self.radial, self.quartic = point, asked, radial, quartic
        self.word = asked.word[:-1]
        self.gluons = point.space.dimension
        flavours = 1 + max(asked.flavours.values(), default=-1)
        self.metric = np.eye(self.gluons + flavours)
        for i in range(self.gluons):
            basis = unit(i, self.gluons, point.field)
            self.metric[: self.gluons, i] = point.space.lower(basis)
        self.momenta: dict[Span, Array] = {}
        self.currents: dict[Span, Array] = {}
        for i, leg in enumerate(self.word):
            self.momenta[i, i + 1] = self._padded(point.momentum(leg))
            free = radial.boundary_to_bulk(float(point.norms[leg]))
            self.currents[i, i + 1] = self._polarisation(leg)[:, None, None] * free
        for i, j in subwords(len(self.word)):
            self.momenta[i, j] = self.momenta[i, i + 1] + self.momenta[i + 1, j]
            if j - i < len(self.word):
                self.currents[i, j] = self._solved((i, j))

    def closed_with(self, leg: int) -> Array:
        """Return N of the whole word times a leg's polarisation, term by term."""
        low = self.metric @ self._polarisation(leg)
        return np.asarray(low[:, None, None] * self._source((0, len(self.word))))

    def _solved(self, here: Span) -> Array:
        source, k = self._source(here), self.momenta[here]
        low = self.metric @ k
        norm = float(self.point.norm_of(self.word[slice(*here)]))
        along = np.einsum("a,apq->pq", low, source) / (low @ k)
        longitudinal = k[:, None, None] * self.radial.longitudinal(along)
        return self.radial.transverse(source - k[:, None, None] * along, norm) + longitudinal

    def _source(self, here: Span) -> Array:
        i, j = here
        total = np.zeros((len(self.metric), *self.radial.weight.shape))
        for m in three_splits(i, j):
            x, y = self.currents[i, m], self.currents[m, j]
            kx, ky = self.momenta[i, m], self.momenta[m, j]
            total += (kx - ky)[:, None, None] * self._product(x, y)
            total += self._along(2 * ky + kx, x) * y - self._along(2 * kx + ky, y) * x
        for m, r in four_splits(i, j):
            x, y, z = self.currents[i, m], self.currents[m, r], self.currents[r, j]
            total += self._times(2 * y, x, z) - self._times(z, x, y) - self._times(x, y, z)
        return total

    def _times(self, vector: Array, one: Array, other: Array) -> Array:
        """Return (one.other) vector, less scalars thrice where they have no quartic vertex."""
        found = vector * self._product(one, other)
        if not self.quartic:
            scalar = slice(self.gluons, None)
            both = np.einsum("apq,apq->pq", one[scalar], other[scalar])
            found[scalar] -= vector[scalar] * both
        return found

    def _product(self, one: Array, other: Array) -> Array:
        low = np.tensordot(self.metric, other, axes=1)
        return np.asarray(np.einsum("apq,apq->pq", one, low))

    def _along(self, momentum: Array, vector: Array) -> Array:
        return np.asarray(np.tensordot(self.metric @ momentum, vector, axes=1))

    def _polarisation(self, leg: int) -> Array:
        if leg not in self.asked.flavours:
            return self._padded(self.point.polarisation(leg))
        made = np.zeros(len(self.metric))
        made[self.gluons + self.asked.flavours[leg]] = 1
        return made

    def _padded(self, vector: Sequence[Any]) -> Array:
        made = np.zeros(len(self.metric))
        made[: self.gluons] = vector
        return made


def _default_end(point: AdSPoint) -> float:
    """Return 40 decay lengths of the slowest exponential of any source.

    From n = 4 on all legs of a source but one may stand in a current that tends to a constant.
    """
    norms = [float(x) for x in point.norms]
    return 40 / (sum(norms) if point.n == 3 else min(norms))


def _divided(point: AdSPoint, unit_of_k: float) -> AdSPoint:
    """Return the point in other units of momentum."""
    planar = {pair: x / unit_of_k for pair, x in point.planar_norms.items()}
    ek = [[x / unit_of_k for x in row] for row in point.ek]
    return AdSPoint([x / unit_of_k for x in point.norms], planar, ek, point.ee, point.field)


def _real_point(point: AdSPoint) -> AdSPoint:
    made = (point.over("rational") if point.field.exact else point).over("float64")
    named = [(f"norms[{i}]", x) for i, x in enumerate(made.norms)]
    named += [(f"planar_norms[{i}, {j}]", x) for (i, j), x in made.planar_norms.items()]
    for name, x in named:
        if np.ndim(x):
            raise InvalidPoint(f"{name}: an array, expected one point at a time")
        if not 0 < x < math.inf:
            raise InvalidPoint(f"{name} = {x}, expected a positive norm for quadrature")
    return made


def _whole(name: str, value: Any, low: int, high: int) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise ValueError(f"{name}: {value!r}, expected a whole number from {low} to {high}")


def _positive(name: str, value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < math.inf:
        raise ValueError(f"{name}: {value!r}, expected a positive number")
    return float(value)
