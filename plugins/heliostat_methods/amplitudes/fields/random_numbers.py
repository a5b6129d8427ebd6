"""Random numbers of any field: what random points are made of."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

import numpy as np

from heliostat_methods.amplitudes.fields.field import Field, Number
from heliostat_methods.amplitudes.fields.floating import FloatField
from heliostat_methods.amplitudes.fields.prime import PrimeField

Draw = Callable[[], Number]


def random_numbers(field: Field, rng: np.random.Generator, size: int) -> Draw:
    """Return a function that draws a number: a/b with |a| <= ``size`` and b of 1, 2, 3.

    That is so in exact fields and in mpmath; modulo a prime it is a uniform residue, in floats a
    standard normal number, with an imaginary part where the field has one.
    """
    if isinstance(field, PrimeField):
        return lambda: field.number(int(rng.integers(0, field.prime)))
    if isinstance(field, FloatField):
        if field.name == "complex128":
            return lambda: field.number(complex(*rng.standard_normal(2)))
        return lambda: field.number(float(rng.standard_normal()))
    return lambda: field.number(
        Fraction(int(rng.integers(-size, size + 1)), int(rng.integers(1, 4)))
    )
