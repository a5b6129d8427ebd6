"""First-order operators on polarisations, as combinations of derivatives.

An operator sum_i c_i d/d(k_i.e_j) means something only where sum_i c_i = 0: then it leaves the sum
of all momenta alone. A basis of those are T_(i j k) with one k for all i, and of the others,
d/d(e_i.e_j), T[i j].
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

from heliostat_methods.amplitudes.operators.terms import Insertion, Pair
from heliostat_methods.amplitudes.reconstruction.rational_function import sum_text

Basic = Pair | Insertion
KINDS = ("k.e", "e.e")


@dataclass(frozen=True)
class LinearOperator:
    """A sum of coefficient times derivative: ("k_0.e_1", 1), ("k_2.e_1", -1).

    As text, "d/d(k_0.e_1) - d/d(k_2.e_1)".
    """

    terms: tuple[tuple[str, Fraction], ...]

    @property
    def size(self) -> int:
        """Number of derivatives."""
        return len(self.terms)

    def __str__(self) -> str:
        return sum_text([(coefficient, f"d/d({name})") for name, coefficient in self.terms])


def linear_operator(coefficients: Mapping[str, Fraction | int]) -> LinearOperator:
    """Return an operator of the derivatives whose coefficient is not 0."""
    return LinearOperator(tuple((name, Fraction(x)) for name, x in coefficients.items() if x))


def in_derivatives(coefficients: Sequence[Fraction], basis: Sequence[Basic]) -> LinearOperator:
    """Return a combination of basic operators."""
    found = dict.fromkeys(derivative_names(basis), Fraction(0))
    for coefficient, basic in zip(coefficients, basis, strict=True):
        for name, sign in derivatives(basic):
            found[name] += sign * coefficient
    return linear_operator(found)


def derivatives(basic: Basic) -> list[tuple[str, int]]:
    """Return the names of a basic operator's derivatives and their signs."""
    if isinstance(basic, Pair):
        i, j = sorted((basic.i, basic.j))
        return [(f"e_{i}.e_{j}", 1)]
    return [(f"k_{basic.i}.e_{basic.j}", 1), (f"k_{basic.k}.e_{basic.j}", -1)]


def derivative_names(basis: Iterable[Basic]) -> list[str]:
    """Return the derivatives that basic operators are made of, by type, e and k."""
    names = dict.fromkeys(name for basic in basis for name, _ in derivatives(basic))
    return sorted(names, key=_place)


def basic_operators(
    n: int, legs: Iterable[int], *, without: Sequence[int] = (), kinds: Sequence[str] = KINDS
) -> list[Basic]:
    """Return a basis of the first-order operators that differentiate by e of one of the legs.

    ``without``: legs that have no polarisation left. ``kinds``: "k.e", "e.e" or both. Raises
    ValueError naming what is neither.
    """
    for kind in kinds:
        if kind not in KINDS:
            raise ValueError(f"kinds: {kind!r}, expected some of {', '.join(map(repr, KINDS))}")
    found: list[Basic] = []
    for j in dict.fromkeys(legs):
        if "k.e" in kinds:
            last = n - 1 if j < n - 1 else n - 2
            found += [Insertion(i, j, last) for i in range(n) if i not in (j, last)]
        if "e.e" in kinds:
            pairs = [Pair(min(i, j), max(i, j)) for i in range(n) if i != j and i not in without]
            found += [pair for pair in pairs if pair not in found]
    return found


def _place(name: str) -> tuple[bool, int, int]:
    left, right = name.split(".")
    return left[0] == "e", int(right[2:]), int(left[2:])
