"""Denominators as products of named poles, such as E (k12+s) (k34+s)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from heliostat_methods.amplitudes.fields.rational import as_fraction
from heliostat_methods.amplitudes.reconstruction.rational_function import (
    Polynomial,
    RationalFunction,
    polynomial_text,
)

Linear = tuple[Fraction, Fraction]
"""(a, b): a + b t."""


@dataclass(frozen=True)
class FactoredFunction:
    """numerator / product of named poles and of what is left of the denominator.

    ``powers``: pole -> its power, those that occur. ``rest``: factors without a name, monic, each
    with its power.
    """

    numerator: Polynomial
    powers: Mapping[str, int]
    rest: tuple[tuple[Polynomial, int], ...]
    variable: str = "t"

    def __str__(self) -> str:
        above = polynomial_text(self.numerator, self.variable)
        below = [power_text(bracketed(name), power) for name, power in self.powers.items()]
        below += [power_text(f"({polynomial_text(factor, self.variable)})", power)
                  for factor, power in self.rest]  # fmt: skip
        if not below:
            return above
        below_text = " ".join(below)
        if len(below) > 1 or any(power > 1 for power in self.powers.values()):
            below_text = f"({below_text})"
        return f"{bracketed(above)} / {below_text}"


def factored_in_poles(
    function: RationalFunction, poles: Mapping[str, Sequence[Any]]
) -> FactoredFunction:
    """Return a function with its denominator as a product of poles.

    ``poles``: name -> (a, b) for a + b t, b not 0, the order in which they are written. Factors
    without a name are factored over Q. Raises ValueError naming a pole that does not depend on t,
    or two that are the same up to a factor.
    """
    linear = _checked(poles)
    denominator, numerator = function.denominator, function.numerator
    powers: dict[str, int] = {}
    for name, (a, b) in linear.items():
        while len(denominator) > 1 and (quotient := _without_root(denominator, -a / b)):
            # a monic denominator loses t + a/b, of which the pole is b times
            denominator = quotient
            numerator = tuple(b * x for x in numerator)
            powers[name] = powers.get(name, 0) + 1
    return FactoredFunction(numerator, powers, _factors(denominator), function.variable)


def poles_along(values: Callable[[Fraction], Mapping[str, Any]]) -> dict[str, Linear]:
    """Return name -> (a, b) of what depends on t linearly; what does not depend on it is left out.

    ``values(t)``: name -> value at a rational t. Raises ValueError naming what is not linear.
    """
    at = [values(Fraction(t)) for t in range(4)]
    found: dict[str, Linear] = {}
    for name in at[0]:
        zero, one, *more = (as_fraction(value[name]) for value in at)
        step = one - zero
        if any(x != zero + t * step for t, x in enumerate(more, 2)):
            raise ValueError(f"values[{name!r}]: not linear in t, expected a + b t")
        if step:
            found[name] = (zero, step)
    return found


def bracketed(text: str) -> str:
    """Return a sum in brackets, and all else as it is."""
    return f"({text})" if any(sign in text[1:] for sign in "+-") else text


def power_text(name: str, power: int) -> str:
    """Return name^power."""
    return name if power == 1 else f"{name}^{power}"


def _checked(poles: Mapping[str, Sequence[Any]]) -> dict[str, Linear]:
    linear: dict[str, Linear] = {}
    roots: dict[Fraction, str] = {}
    for name, coefficients in poles.items():
        numbers = tuple(as_fraction(x) for x in coefficients)
        if len(numbers) != 2 or not numbers[1]:
            raise ValueError(
                f"poles[{name!r}]: {tuple(coefficients)}, expected (a, b) of a + b t with b not 0"
            )
        root = -numbers[0] / numbers[1]
        if root in roots:
            raise ValueError(
                f"poles[{name!r}]: 0 at t = {root} as {roots[root]!r} is, expected different poles"
            )
        roots[root] = name
        linear[name] = (numbers[0], numbers[1])
    return linear


def _without_root(polynomial: Polynomial, root: Fraction) -> Polynomial | None:
    """Return polynomial / (t - root), None where that leaves a rest (Ruffini)."""
    quotient, carried = [], Fraction(0)
    for coefficient in reversed(polynomial):
        carried = carried * root + coefficient
        quotient.append(carried)
    return None if carried else tuple(reversed(quotient[:-1]))


def _factors(polynomial: Polynomial) -> tuple[tuple[Polynomial, int], ...]:
    if len(polynomial) == 1:
        return ()
    from sympy import QQ, Poly, Symbol

    t = Symbol("t")
    terms = [QQ(x.numerator, x.denominator) for x in reversed(polynomial)]
    _, factors = Poly.from_list(terms, t, domain=QQ).factor_list()
    found = []
    for factor, power in factors:
        coefficients = [as_fraction(x) for x in reversed(factor.monic().all_coeffs())]
        found.append((tuple(coefficients), int(power)))
    return tuple(sorted(found, key=lambda one: (len(one[0]), one)))
