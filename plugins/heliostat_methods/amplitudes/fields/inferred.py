"""The field that given numbers belong to."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from typing import Any

import numpy as np

from heliostat_methods.amplitudes.fields.field import Field
from heliostat_methods.amplitudes.fields.floating import COMPLEX128, FLOAT64
from heliostat_methods.amplitudes.fields.named import field_named
from heliostat_methods.amplitudes.fields.prime import PrimeField, Residue
from heliostat_methods.amplitudes.fields.rational import RATIONAL, FlintField


def field_of(values: Iterable[Any], given: Field | str | None = None) -> Field:
    """Return a field asked for (itself, or by name), else the one that the numbers are from.

    Integers, fractions and texts are rational; one float makes all of them floats.
    """
    if given is not None:
        return field_named(given) if isinstance(given, str) else given
    found: Field = RATIONAL
    for value in values:
        if isinstance(value, Residue):
            return PrimeField(value.prime)
        if isinstance(value, int | Fraction | str):
            continue
        if isinstance(value, complex) or np.iscomplexobj(value):
            return COMPLEX128
        if isinstance(value, float) or (
            isinstance(value, np.ndarray | np.generic) and value.dtype.kind == "f"
        ):
            found = FLOAT64
        elif type(value).__module__.startswith("flint"):
            found = FlintField()
        elif type(value).__module__.startswith("mpmath"):
            raise ValueError("mpmath numbers: say the field, such as field='mpmath:50'")
        elif hasattr(value, "ring") or hasattr(value, "field"):
            raise ValueError("symbols: say the field that they are from")
    return found
