"""Massless four-momenta as products of two spinors, and polarisations of a helicity.

A momentum is a 2x2 matrix m = lambda lambda~^T of determinant 0; its components are
(m00+m11, m01+m10, (m10-m01)/i, m00-m11)/2 under (+,-,-,-). Without the i they are those of a space
(+,-,+,-), where residues modulo a prime, which have no i, find a place. Brackets are
<ij> = lambda_i0 lambda_j1 - lambda_i1 lambda_j0 and [ij] alike, so that 2 k_i.k_j = <ij>[ij].
Polarisations are e+ = |q>[k| / <qk> and e- = |k>[q| / [kq], both times sqrt2 over complex numbers
alone: e+.e- = 1 with it, 1/2 without. Source: derived.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from heliostat_methods.amplitudes.errors import InvalidPoint
from heliostat_methods.amplitudes.fields.field import Field
from heliostat_methods.amplitudes.fields.floating import COMPLEX128
from heliostat_methods.amplitudes.fields.inferred import field_of
from heliostat_methods.amplitudes.fields.prime import PrimeField
from heliostat_methods.amplitudes.fields.residue_arrays import inverse, nonzero
from heliostat_methods.amplitudes.kinematics.four_vector_point import FourVectorPoint, Metric

Array = NDArray[Any]
Reference = tuple[Any, Any]
"""Spinors |q> and |q], arrays (2,), (points, 2) or (points, n, 2)."""


@dataclass(frozen=True, eq=False)
class Spinors:
    """Spinors of massless legs, for a batch of points.

    ``angle`` (points, n, 2): lambda; ``square`` (points, n, 2): lambda~. Complex128, or int64
    residues modulo ``prime``.
    """

    angle: Array
    square: Array
    prime: int | None = None

    @property
    def points(self) -> int:
        """How many points there are."""
        return int(self.angle.shape[0])

    @property
    def n(self) -> int:
        """How many legs there are."""
        return int(self.angle.shape[1])

    @property
    def metric(self) -> Metric:
        """(+,-,-,-) for complex numbers, (+,-,+,-) for residues."""
        return (1, -1, -1, -1) if self.prime is None else (1, -1, 1, -1)

    @property
    def field(self) -> Field:
        """Where the numbers of a single point are from."""
        return COMPLEX128 if self.prime is None else PrimeField(self.prime)

    def angles(self, i: int, j: int) -> Array:
        """Return <ij>, (points,)."""
        return bracket(self.angle[:, i], self.angle[:, j], self.prime)

    def squares(self, i: int, j: int) -> Array:
        """Return [ij], (points,)."""
        return bracket(self.square[:, i], self.square[:, j], self.prime)

    def momenta(self) -> Array:
        """Return the components (points, n, 4)."""
        return components(self.angle, self.square, self.prime)

    def polarisations(self, helicities: Sequence[int] | str, reference: Reference) -> Array:
        """Return the components (points, n, 4) of e+ or e- of each leg.

        ``helicities``: +1 or -1 a leg, or text such as "--++". ``reference``: |q> and |q]. Raises
        InvalidPoint where <qk> or [kq] is 0, naming the leg.
        """
        plus = checked_helicities(helicities, self.n) > 0
        dtype = self.angle.dtype
        q_angle, q_square = (
            np.broadcast_to(_by_leg(np.asarray(q, dtype)), self.angle.shape) for q in reference
        )
        left = np.where(plus[:, None], q_angle, self.angle)
        right = np.where(plus[:, None], self.square, q_square)
        below = np.where(
            plus,
            bracket(q_angle, self.angle, self.prime),
            bracket(self.square, q_square, self.prime),
        )
        if np.any(below == 0):
            point, leg = np.argwhere(below == 0)[0]
            name = f"<q {leg}>" if plus[leg] else f"[{leg} q]"
            raise InvalidPoint(f"{name} = 0 at point {point}: expected another reference spinor")
        if self.prime is None:
            left = left * (np.sqrt(2) / below)[..., None]
        else:
            left = left * inverse(below, self.prime)[..., None] % self.prime
        return components(left, right, self.prime)

    def point(
        self, helicities: Sequence[int] | str, reference: Reference, at: int = 0
    ) -> FourVectorPoint:
        """Return one point of the batch with polarisations of a helicity each."""
        one = Spinors(self.angle[at : at + 1], self.square[at : at + 1], self.prime)
        q_angle, q_square = (
            np.asarray(q)[at : at + 1] if np.ndim(q) > 1 else np.asarray(q) for q in reference
        )
        e = one.polarisations(helicities, (q_angle, q_square))
        return FourVectorPoint(one.momenta()[0].tolist(), e[0].tolist(), self.metric, self.field)


def bracket(a: Array, b: Array, prime: int | None = None) -> Array:
    """Return a_0 b_1 - a_1 b_0 over the last axis."""
    found: Array
    if prime is None:
        found = a[..., 0] * b[..., 1] - a[..., 1] * b[..., 0]
        return found
    found = (a[..., 0] * b[..., 1] % prime - a[..., 1] * b[..., 0] % prime) % prime
    return found


def components(angle: Array, square: Array, prime: int | None = None) -> Array:
    """Return the components (..., 4) of the matrix angle square^T."""
    m = angle[..., :, None] * square[..., None, :]
    if prime is not None:
        m = m % prime
    m00, m01, m10, m11 = m[..., 0, 0], m[..., 0, 1], m[..., 1, 0], m[..., 1, 1]
    if prime is None:
        return np.stack([m00 + m11, m01 + m10, -1j * (m10 - m01), m00 - m11], axis=-1) / 2
    half = (prime + 1) // 2
    stacked = np.stack([m00 + m11, m01 + m10, m10 - m01, m00 - m11], axis=-1)
    return stacked % prime * half % prime


def spinor_points(
    points: int, n: int, rng: np.random.Generator, field: Field | str = "complex128"
) -> Spinors:
    """Return random massless points whose momenta add up to 0: complex, or modulo a prime.

    All spinors are drawn, then lambda~ of the last two legs solves sum lambda lambda~^T = 0: over
    residues exactly; complex sums stay below 1e-12 of the largest component, since lambda_{n-1} is
    drawn again while <n-2 n-1> is small. n >= 3; three legs have all [ij] = 0.
    """
    if n < 3:
        raise ValueError(f"n: {n}, expected at least 3 legs")
    field = field_of((), field)
    if isinstance(field, PrimeField):
        return _conserving(*_residue_spinors(points, n, rng, field.prime), field.prime)
    if field is not COMPLEX128:
        raise ValueError(f"field: {field}, expected 'complex128' or 'gf:PRIME'")
    angle, square = (
        rng.standard_normal((points, n, 2)) + 1j * rng.standard_normal((points, n, 2))
        for _ in range(2)
    )
    while np.any(bad := np.abs(bracket(angle[:, n - 2], angle[:, n - 1])) < 0.1):
        shape = (int(bad.sum()), 2)
        angle[bad, n - 1] = rng.standard_normal(shape) + 1j * rng.standard_normal(shape)
    return _conserving(angle, square)


def _residue_spinors(
    points: int, n: int, rng: np.random.Generator, prime: int
) -> tuple[Array, Array]:
    angle, square = (nonzero((points, n, 2), rng, prime) for _ in range(2))
    while np.any(bad := bracket(angle[:, n - 2], angle[:, n - 1], prime) == 0):
        angle[bad, n - 1] = nonzero((int(bad.sum()), 2), rng, prime)
    return angle, square


def _conserving(angle: Array, square: Array, prime: int | None = None) -> Spinors:
    # <a| on sum lambda_i lambda~_i = 0 leaves <ab> lambda~_b = -sum over other i of <ai> lambda~_i
    n = angle.shape[1]
    square = square.copy()
    a, b = n - 2, n - 1
    for solved, other in ((b, a), (a, b)):
        weights = bracket(angle[:, other, None], angle[:, : n - 2], prime)
        terms = weights[..., None] * square[:, : n - 2]
        below = bracket(angle[:, other], angle[:, solved], prime)
        if prime is None:
            square[:, solved] = -terms.sum(1) / below[:, None]
        else:
            total = (terms % prime).sum(1) % prime
            square[:, solved] = -total * inverse(below, prime)[:, None] % prime
    return Spinors(angle, square, prime)


def spinors_of(momenta: Any) -> Spinors:
    """Return spinors of massless momenta (n, 4) or (points, n, 4) under (+,-,-,-), real or complex.

    They are fixed up to lambda -> t lambda, lambda~ -> lambda~ / t; here the largest entry of the
    matrix is split evenly, so real momenta of positive energy have lambda~ = conj(lambda), of
    negative energy minus that. Raises InvalidPoint for a momentum that is not massless, or is 0.
    """
    k = np.asarray(momenta)
    k = k[None] if k.ndim == 2 else k
    if k.ndim != 3 or k.shape[-1] != 4 or k.dtype.kind not in "iufc":
        raise InvalidPoint(f"momenta: shape {k.shape}, expected (n, 4) or (points, n, 4) numbers")
    k = k.astype(complex)
    e, x, y, z = np.moveaxis(k, -1, 0)
    m = np.stack([e + z, x - 1j * y, x + 1j * y, e - z], axis=-1)
    scale = np.abs(k).sum(-1)
    off = np.abs(m[..., 0] * m[..., 3] - m[..., 1] * m[..., 2])
    bad = ~(off <= 1e-9 * scale * scale.sum(-1, keepdims=True)) | (scale == 0)
    if np.any(bad):
        point, leg = np.argwhere(bad)[0]
        raise InvalidPoint(
            f"momentum of leg {leg} at point {point}: k.k = {off[point, leg]}, expected a massless "
            "one other than 0"
        )
    # real momenta have their largest entry on the diagonal; rounding must not choose another
    pivot = np.argmax(np.abs(m) * [1, 0.999, 0.999, 1], axis=-1)
    m = m.reshape(*m.shape[:-1], 2, 2)
    row, column = pivot // 2, pivot % 2
    at = np.indices(pivot.shape)
    root = np.sqrt(m[at[0], at[1], row, column])[..., None]
    return Spinors(m[at[0], at[1], :, column] / root, m[at[0], at[1], row, :] / root)


def checked_helicities(helicities: Sequence[int] | str, n: int) -> NDArray[np.int64]:
    """Return +1 or -1 a leg; ValueError naming the leg whose helicity is none."""
    signs = [{"+": 1, "-": -1}.get(x, x) for x in helicities] if isinstance(helicities, str) else (
        list(helicities)
    )  # fmt: skip
    for leg, sign in enumerate(signs):
        if isinstance(sign, str) or sign not in (1, -1):
            raise ValueError(f"helicities: {sign!r} for leg {leg}, expected +1 or -1")
    if len(signs) != n:
        raise ValueError(f"helicities: {len(signs)}, expected one for each of {n} legs")
    return np.array([int(sign) for sign in signs], np.int64)


def _by_leg(q: Array) -> Array:
    return q[:, None] if q.ndim == 2 else q
