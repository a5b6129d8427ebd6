"""Floats and arrays of them, one entry a point, so that one recursion serves a batch."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Any

import numpy as np

from heliostat_methods.amplitudes.fields.field import Field, Number


class FloatField(Field):
    """`float64` or `complex128`: numbers, or arrays (points,).

    A single division by 0 raises; in an array it leaves inf or nan in its own place.
    """

    exact = False

    def __init__(self, dtype: str = "float64") -> None:
        if dtype not in ("float64", "complex128"):
            raise ValueError(f"dtype: {dtype!r}, expected 'float64' or 'complex128'")
        self.name = dtype
        self._type = float if dtype == "float64" else complex
        self.zero, self.one = self._type(0), self._type(1)

    def number(self, value: Any) -> Number:
        """Return a float or complex number, or an array of them."""
        if isinstance(value, np.ndarray) and value.ndim:
            made = value.astype(self.name, casting="same_kind")
            bad = np.argwhere(~np.isfinite(made))
            if len(bad):
                where = ", ".join(map(str, bad[0]))
                raise ValueError(f"{value[tuple(bad[0])]} at [{where}] is no finite number")
            return made
        try:
            if isinstance(value, str):
                numerator, _, denominator = value.partition("/")
                found = self._type(numerator) / self._type(denominator or 1)
            else:
                found = self._type(value)
        except (TypeError, ValueError, ZeroDivisionError, OverflowError):
            raise ValueError(f"{value!r} is no number of {self.name}") from None
        if not np.isfinite(found):
            raise ValueError(f"{value!r} is no finite number")
        return found

    def divide(self, numerator: Number, denominator: Number) -> Number:
        """Return the quotient."""
        if isinstance(denominator, np.ndarray) and denominator.ndim:
            with np.errstate(divide="ignore", invalid="ignore"):
                return numerator / denominator
        return numerator / denominator

    def is_zero(self, value: Number) -> bool:
        """Say whether a number, or every entry of an array, is 0."""
        return bool(np.all(value == 0))

    def negligible(self, value: Number, scale: Number) -> bool:
        """Say whether a number, or every entry of an array, is below 1e-9 of a scale."""
        scale = np.abs(scale)
        return bool(np.all((np.abs(value) <= 1e-9 * scale) & np.isfinite(scale)))

    def quiet(self) -> AbstractContextManager[object]:
        """Return a context without numpy's warnings: inf and nan stand where they belong."""
        return np.errstate(divide="ignore", invalid="ignore", over="ignore")

    def text(self, value: Number) -> str:
        """Return the shortest text that reads as the same number."""
        return repr(self._type(value))


FLOAT64 = FloatField("float64")
COMPLEX128 = FloatField("complex128")
