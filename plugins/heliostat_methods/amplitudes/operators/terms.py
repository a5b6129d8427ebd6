"""Transmutation operators, and products of them.

Amplitudes are linear in every polarisation, so the operators are derivatives in the independent
products e_i.e_j and e_i.k_j (j <= n-2; k_{n-1} = -sum k_j is eliminated):

    Pair(i, j)           T[i j]   = d/d(e_i.e_j)
    Insertion(i, j, k)   T_(i j k) = d/d(k_i.e_j) - d/d(k_k.e_j); for k = n-1 the first alone
    Trace(a_1, .., a_m)  T[a_1 .. a_m] = T[a_1 a_m] prod_{r=2}^{m-1} T_(a_{r-1} a_r a_m)
    Longitudinal(i)      L_i = sum_j (k_i.k_j) d/d(k_j.e_i)

Source: Cheung, Shen and Wen (arXiv 1705.03025); the sign of insertions is the one under which
T[a_1..a_m] A_YM = A_{YM+phi^3} with lam = -2, and (-1)^n m(word|a) for m = n.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from operator import index
from typing import Any, cast


class Operator(ABC):
    """A product of basic operators; ``*`` multiplies."""

    @abstractmethod
    def factors(self) -> tuple[Pair | Insertion | Longitudinal, ...]:
        """Return the basic operators of the product."""

    def __mul__(self, other: Operator) -> Operator:
        if not isinstance(other, Operator):
            return NotImplemented
        return Product((*self.factors(), *other.factors()))

    def used(self) -> tuple[int, ...]:
        """Return the legs whose polarisation each basic operator differentiates by."""
        return tuple(leg for factor in self.factors() for leg in factor.used())

    def legs(self) -> frozenset[int]:
        """Return all legs that are named."""
        return frozenset(leg for factor in self.factors() for leg in factor.legs())


@dataclass(frozen=True)
class Pair(Operator):
    """T[i j]: legs i and j become scalars of a flavour of their own."""

    i: int
    j: int

    def __post_init__(self) -> None:
        _keep(self, "Pair", i=self.i, j=self.j)

    def factors(self) -> tuple[Pair, ...]:
        """Return itself."""
        return (self,)

    def used(self) -> tuple[int, ...]:
        """Return both legs."""
        return (self.i, self.j)

    def legs(self) -> frozenset[int]:
        """Return both legs."""
        return frozenset((self.i, self.j))

    def __str__(self) -> str:
        return f"T[{self.i} {self.j}]"


@dataclass(frozen=True)
class Insertion(Operator):
    """T_(i j k): leg j becomes a scalar between i and k of their trace."""

    i: int
    j: int
    k: int

    def __post_init__(self) -> None:
        _keep(self, "Insertion", i=self.i, j=self.j, k=self.k)

    def factors(self) -> tuple[Insertion, ...]:
        """Return itself."""
        return (self,)

    def used(self) -> tuple[int, ...]:
        """Return the leg that is inserted."""
        return (self.j,)

    def legs(self) -> frozenset[int]:
        """Return the three legs."""
        return frozenset((self.i, self.j, self.k))

    def __str__(self) -> str:
        return f"T_({self.i} {self.j} {self.k})"


@dataclass(frozen=True)
class Longitudinal(Operator):
    """L_i: with all but two legs treated so, gluons become pions."""

    i: int

    def __post_init__(self) -> None:
        _keep(self, "Longitudinal", i=self.i)

    def factors(self) -> tuple[Longitudinal, ...]:
        """Return itself."""
        return (self,)

    def used(self) -> tuple[int, ...]:
        """Return the leg."""
        return (self.i,)

    def legs(self) -> frozenset[int]:
        """Return the leg."""
        return frozenset((self.i,))

    def __str__(self) -> str:
        return f"L_{self.i}"


@dataclass(frozen=True)
class Product(Operator):
    """Several basic operators, one after the other; they commute."""

    parts: tuple[Pair | Insertion | Longitudinal, ...]

    def factors(self) -> tuple[Pair | Insertion | Longitudinal, ...]:
        """Return them."""
        return self.parts

    def __str__(self) -> str:
        return " ".join(map(str, self.parts)) or "1"


def Trace(*legs: int) -> Operator:
    """Return T[a_1 .. a_m]: the legs become scalars in one trace, in this order.

    Raises ValueError for fewer than two legs, or for one that stands twice.
    """
    if len(legs) == 1 and (isinstance(legs[0], Sequence) or hasattr(legs[0], "__array__")):
        legs = tuple(cast(Any, legs[0]))
    if len(legs) < 2:
        raise ValueError(f"Trace: {legs}, expected at least two legs")
    legs = tuple(_different("Trace", legs))
    *inner, last = legs
    parts: list[Pair | Insertion | Longitudinal] = [Pair(legs[0], last)]
    parts += [Insertion(inner[r - 1], inner[r], last) for r in range(1, len(inner))]
    return Product(tuple(parts))


def Pions(word: Sequence[int]) -> Operator:
    """Return T[w_0 w_{n-1}] prod L_i over the other legs: gluons become pions."""
    legs = _different("Pions", word)
    if len(legs) < 3:
        raise ValueError(f"Pions: {tuple(legs)}, expected at least three legs")
    first, *inner, last = legs
    return Product((Pair(first, last), *(Longitudinal(leg) for leg in inner)))


def _different(name: str, legs: Sequence[Any]) -> list[int]:
    """Return different legs as integers; ValueError naming one that is none, or stands twice."""
    found: list[int] = []
    for leg in legs:
        try:
            number = -1 if isinstance(leg, bool) else index(leg)
        except TypeError:
            number = -1
        if number < 0:
            raise ValueError(f"{name}: leg {leg!r}, expected a whole number from 0")
        if number in found:
            raise ValueError(f"{name}: leg {number} stands in it twice, expected different legs")
        found.append(number)
    return found


def _keep(operator: Operator, name: str, **legs: Any) -> None:
    for field, leg in zip(legs, _different(name, list(legs.values())), strict=True):
        object.__setattr__(operator, field, leg)  # numpy's integers become Python's
