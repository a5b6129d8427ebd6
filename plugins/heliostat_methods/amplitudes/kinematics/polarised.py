"""What kinematic points of every kind share: polarisations by their products."""

from __future__ import annotations

from abc import ABC, abstractmethod
from functools import cached_property
from typing import Self

from heliostat_methods.amplitudes.fields.field import Field, Number
from heliostat_methods.amplitudes.kinematics.space import GramSpace, Space, Vector, unit
from heliostat_methods.amplitudes.kinematics.tables import Table


class PolarisedPoint(ABC):
    """Legs 0..n-1 by products in the free basis k_0..k_{n-2}, e_0..e_{n-1}; k_{n-1} = -sum k_j.

    ``ek[i][j]`` = e_i.k_j for j <= n-2 and ``ee[i][j]`` = e_i.e_j; ``kk`` (n-1, n-1) products of
    momenta.
    """

    n: int
    field: Field
    ek: Table
    ee: Table

    @property
    @abstractmethod
    def kk(self) -> Table:
        """Products k_i.k_j, i, j <= n-2."""

    @abstractmethod
    def with_polarisations(self, ek: Table, ee: Table) -> Self:
        """Return the point with other products of polarisations, which are not checked."""

    def momentum_product(self, i: int, j: int) -> Number:
        """Return k_i.k_j for any legs."""
        return self._with_last(i, [self._with_last(j, row) for row in self.kk])

    def polarisation_momentum(self, i: int, j: int) -> Number:
        """Return e_i.k_j for any legs."""
        return self._with_last(j, self.ek[i])

    def _with_last(self, leg: int, values: tuple[Number, ...] | list[Number]) -> Number:
        if leg < self.n - 1:
            return values[leg]
        total = self.field.zero
        for value in values:
            total = total - value
        return total

    @cached_property
    def space(self) -> Space:
        """The space that the point's vectors live in, of dimension 2n - 1."""
        n = self.n
        gram = [(*self.kk[i], *(self.ek[j][i] for j in range(n))) for i in range(n - 1)]
        gram += [(*self.ek[i], *self.ee[i]) for i in range(n)]
        return GramSpace(gram, self.field)

    def momentum(self, leg: int) -> Vector:
        """Return k of a leg as a vector of `space`."""
        if leg < self.n - 1:
            return unit(leg, 2 * self.n - 1, self.field)
        minus = -self.field.one
        return tuple(minus if i < self.n - 1 else self.field.zero for i in range(2 * self.n - 1))

    def polarisation(self, leg: int) -> Vector:
        """Return e of a leg as a vector of `space`."""
        return unit(self.n - 1 + leg, 2 * self.n - 1, self.field)
