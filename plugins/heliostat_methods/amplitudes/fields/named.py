"""Fields by name, as configurations and commands write them."""

from __future__ import annotations

from heliostat.errors import nearest
from heliostat_methods.amplitudes.fields.field import Field
from heliostat_methods.amplitudes.fields.floating import COMPLEX128, FLOAT64
from heliostat_methods.amplitudes.fields.multiprecision import MultiprecisionField
from heliostat_methods.amplitudes.fields.prime import GF, MERSENNE_31
from heliostat_methods.amplitudes.fields.rational import RATIONAL, FlintField

NAMES = ("rational", "flint", "gf", "float64", "complex128", "mpmath")
_ENDINGS = {"gf": "a prime below 2^31", "mpmath": "a number of digits"}


def field_named(name: str) -> Field:
    """Return the field that a name stands for.

    "rational", "flint", "gf" (modulo 2^31 - 1) or "gf:PRIME", "float64", "complex128", "mpmath" (50
    digits) or "mpmath:DIGITS". Raises ValueError with the nearest name.
    """
    kind, _, ending = name.partition(":")
    if kind not in NAMES or (ending and kind not in _ENDINGS):
        near = nearest(kind, NAMES)
        hint = f"; did you mean {near!r}?" if near else ""
        raise ValueError(f"field: {name!r}, expected one of {', '.join(NAMES)}{hint}")
    if ending and not ending.isdecimal():
        raise ValueError(f"field: {name!r}, expected {_ENDINGS[kind]} after '{kind}:'")
    if kind == "gf":
        return GF(int(ending) if ending else MERSENNE_31)
    if kind == "mpmath":
        return MultiprecisionField(int(ending) if ending else 50)
    if kind == "flint":
        return FlintField()
    return {"rational": RATIONAL, "float64": FLOAT64, "complex128": COMPLEX128}[kind]
