"""Floats of as many digits as are asked for, for points that float64 leaves in doubt."""

from __future__ import annotations

import re
from typing import Any

import mpmath

from heliostat_methods.amplitudes.fields.field import Field, Number
from heliostat_methods.amplitudes.fields.rational import as_fraction


class MultiprecisionField(Field):
    """mpmath's complex numbers with so many decimal digits, in a context of their own."""

    exact = False

    def __init__(self, digits: int = 50) -> None:
        if isinstance(digits, bool) or not isinstance(digits, int) or not 15 <= digits <= 10_000:
            raise ValueError(f"digits: {digits!r}, expected 15 to 10000")
        self.name = f"mpmath:{digits}"
        self.context = mpmath.mp.clone()
        self.context.dps = digits
        self.zero, self.one = self.context.mpc(0), self.context.mpc(1)

    def number(self, value: Any) -> Number:
        """Return an mpc; fractions are rounded once, floats taken as they are."""
        if isinstance(value, str) and value.endswith("j)"):
            value = self._complex(value)
        if hasattr(value, "dtype"):
            value = complex(value)
        if isinstance(value, float | complex) or type(value).__module__.startswith("mpmath"):
            made = self.context.mpc(value)
            if not self.context.isfinite(made):
                raise ValueError(f"{value!r} is no finite number")
            return made
        fraction = as_fraction(value)
        return self.context.mpc(fraction.numerator) / fraction.denominator

    def _complex(self, text: str) -> Number:
        parts = re.fullmatch(r"\((\S+) ([+-]) (\S+)j\)", text)
        if parts is None:
            raise ValueError(f"{text!r} is no complex number such as '(1.5 - 2.0j)'")
        real, sign, imaginary = parts.groups()
        made = self.context.mpc(real, imaginary)
        return made if sign == "+" else made.conjugate()

    def divide(self, numerator: Number, denominator: Number) -> Number:
        """Return the quotient."""
        return numerator / denominator

    def negligible(self, value: Number, scale: Number) -> bool:
        """Say whether a number is below a scale by two thirds of the digits."""
        return bool(abs(value) <= abs(scale) * self.context.mpf(10) ** (-2 * self.context.dps // 3))

    def text(self, value: Number) -> str:
        """Return so many digits that `number` reads the same number."""
        return str(self.context.nstr(self.context.mpc(value), self.context.dps + 3))
