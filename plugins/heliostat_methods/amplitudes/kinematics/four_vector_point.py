"""Massless kinematics by components, of any dimension, over any field."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any, Self

from heliostat_methods.amplitudes.errors import InvalidPoint
from heliostat_methods.amplitudes.fields.field import Field, Number
from heliostat_methods.amplitudes.fields.inferred import field_of
from heliostat_methods.amplitudes.kinematics.gram_point import GramPoint
from heliostat_methods.amplitudes.kinematics.polarised import PolarisedPoint
from heliostat_methods.amplitudes.kinematics.space import ComponentSpace, Vector, product
from heliostat_methods.amplitudes.kinematics.tables import (
    Table,
    check_zero,
    entries,
    mapped,
    rows_of,
    size,
    table,
)

Metric = tuple[int, ...]


class FourVectorPoint(PolarisedPoint):
    """Massless legs 0..n-1 by components; all are given, and have to conserve momentum.

    ``momenta``, ``polarisations``: (n, D), D >= 2, of numbers of a field, or of arrays (points,) of
    floats for a batch. ``metric``: D signs, as numbers or as text "+---", which is the default.
    ``field``: where the numbers are from, itself or by name; by default what they are. Raises
    InvalidPoint naming the constraint that is violated - conservation, k_i.k_i = 0, e_i.k_i = 0 -
    and its value; floats count as 0 below 1e-9 of the components that they come from.
    """

    def __init__(
        self, momenta: Any, polarisations: Any, metric: Sequence[int] | str | None = None,
        field: Field | str | None = None,
    ) -> None:  # fmt: skip
        momenta = rows_of("momenta", momenta)
        polarisations = rows_of("polarisations", polarisations)
        self.n = n = len(momenta)
        if n < 3:
            raise InvalidPoint(f"momenta: {n} legs, expected at least 3")
        dimension = len(momenta[0])
        if dimension < 2:
            raise InvalidPoint(f"momenta: {dimension} components, expected at least 2")
        self.metric = checked_metric(metric, dimension)
        self.field = field = field_of(entries(momenta, polarisations), field)
        self.momenta = table("momenta", momenta, (n, dimension), field)
        self.polarisations = table("polarisations", polarisations, (n, dimension), field)
        self._check()

    def _check(self) -> None:
        field = self.field
        sizes = [size(row) for row in self.momenta]
        # a soft leg is a small difference of large components, so all of them set the rounding
        total = size(sizes)
        for mu in range(self.space.dimension):
            column = [row[mu] for row in self.momenta]
            check_zero(f"sum over i of momenta[i][{mu}]", column, field, "momentum is conserved",
                       total)  # fmt: skip
        for i, k in enumerate(self.momenta):
            low = self.space.lower(k)
            what, why = f"momenta[{i}]^2 = k_{i}.k_{i}", "legs are massless"
            check_zero(what, [product(k, low, field.zero)], field, why, sizes[i] * total)
            e = self.polarisations[i]
            what, why = f"e_{i}.k_{i}", "polarisations are transverse"
            check_zero(what, [product(e, low, field.zero)], field, why, size(e) * total)

    @cached_property
    def space(self) -> ComponentSpace:
        """The space of the components."""
        return ComponentSpace(self.metric, self.field)

    def momentum(self, leg: int) -> Vector:
        """Return the components of k."""
        return self.momenta[leg]

    def polarisation(self, leg: int) -> Vector:
        """Return the components of e."""
        return self.polarisations[leg]

    @cached_property
    def kk(self) -> Table:
        """Products k_i.k_j, i, j <= n-2."""
        return self._products(self.momenta[:-1], self.momenta[:-1])

    @cached_property
    def ek(self) -> Table:  # type: ignore[override]
        """Products e_i.k_j, j <= n-2."""
        return self._products(self.polarisations, self.momenta[:-1])

    @cached_property
    def ee(self) -> Table:  # type: ignore[override]
        """Products e_i.e_j."""
        return self._products(self.polarisations, self.polarisations)

    def gram(self) -> GramPoint:
        """Return the point by its products alone, where operators act.

        What vanishes up to rounding becomes 0: k_i.k_i and e_i.k_i, i <= n-2.
        """
        zero = self.field.zero
        kk, ek = ([[zero if i == j else x for j, x in enumerate(row)] for i, row in enumerate(rows)]
                  for rows in (self.kk, self.ek))  # fmt: skip
        return GramPoint.unchecked(kk, ek, self.ee, self.field)

    def with_polarisations(self, ek: Table, ee: Table) -> GramPoint:  # type: ignore[override]
        """Return a GramPoint: products that operators set need not be those of D components."""
        return self.gram().with_polarisations(ek, ee)

    def over(self, field: Field | str) -> Self:
        """Return the point with its numbers in another field, such as rationals modulo a prime."""
        wanted = field_of((), field)
        if wanted.exact and not self.field.exact:  # what held up to rounding has to hold exactly
            k, e = (mapped(rows, wanted.number) for rows in (self.momenta, self.polarisations))
            return type(self)(k, e, self.metric, wanted)
        made = type(self).__new__(type(self))
        made.n, made.metric, made.field = self.n, self.metric, field_of((), field)
        made.momenta, made.polarisations = (
            mapped(rows, made.field.number) for rows in (self.momenta, self.polarisations)
        )
        return made

    def _products(self, left: Table, right: Table) -> Table:
        low = [self.space.lower(v) for v in right]
        zero: Number = self.field.zero
        return tuple(tuple(product(u, v, zero) for v in low) for u in left)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, FourVectorPoint):
            return NotImplemented
        return (self.metric, self.momenta, self.polarisations) == (
            other.metric, other.momenta, other.polarisations
        )  # fmt: skip

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"FourVectorPoint(n={self.n}, D={len(self.metric)}, field={self.field})"


def checked_metric(metric: Sequence[int] | str | None, dimension: int) -> Metric:
    """Return the signs of a metric; InvalidPoint for what is none of the dimension."""
    if metric is None:
        return (1,) + (-1,) * (dimension - 1)
    signs = [{"+": 1, "-": -1}.get(x, x) for x in metric] if isinstance(metric, str) else metric
    found = tuple(signs)
    for i, sign in enumerate(found):
        if isinstance(sign, str) or sign not in (1, -1):
            raise InvalidPoint(f"metric[{i}] = {sign!r}, expected 1 or -1")
    if len(found) != dimension:
        raise InvalidPoint(f"metric: {len(found)} signs, expected {dimension}, one a component")
    return tuple(int(sign) for sign in found)
