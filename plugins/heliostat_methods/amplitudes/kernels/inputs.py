"""What may be given: shapes, kinds of number, finite values, and a metric of signs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from heliostat.errors import shown

LEAST_LEGS, MOST_LEGS = 3, 64
LEAST_DIMENSION, MOST_DIMENSION = 2, 16
PRIMES_BELOW = 2**31
SHAPE = (
    f"(points, n, D), n from {LEAST_LEGS} to {MOST_LEGS}, D from {LEAST_DIMENSION} to "
    f"{MOST_DIMENSION}"
)
Array = NDArray[Any]


@dataclass(frozen=True)
class Metric:
    """Signs of a diagonal metric, and the order of components that has those of +1 first."""

    signs: tuple[int, ...]

    @property
    def plus(self) -> int:
        """How many signs are +1."""
        return self.signs.count(1)

    @property
    def order(self) -> NDArray[np.int64]:
        """Where the components stand, those of +1 first."""
        return np.argsort([-sign for sign in self.signs], kind="stable").astype(np.int64)


def refused(name: str, value: object, expected: str) -> ValueError:
    """Return the error that names an argument, its value and what was expected."""
    return ValueError(f"{name} = {shown(value)}: expected {expected}")


def metric_of(metric: Sequence[int] | None, dimension: int) -> Metric:
    """Return the metric asked for, (+, -, ..., -) unless it is given."""
    if metric is None:
        return Metric((1, *[-1] * (dimension - 1)))
    signs = tuple(metric)
    if len(signs) != dimension or any(sign not in (1, -1) for sign in signs):
        raise refused("metric", metric, f"{dimension} signs, +1 or -1, one for each component")
    return Metric(tuple(int(sign) for sign in signs))


def floats(name: str, given: ArrayLike, *, may_be_complex: bool = False) -> Array:
    """Return (points, n, D) finite numbers as float64 or complex128, in C order."""
    array = finite(name, given, may_be_complex=may_be_complex)
    _check_shape(name, array)
    return array


def finite(name: str, given: ArrayLike, *, may_be_complex: bool = False) -> Array:
    """Return finite numbers of any shape as float64 or complex128, in C order."""
    array = np.asarray(given)
    kinds = (np.float64, np.complex128) if may_be_complex else (np.float64,)
    fits = [kind for kind in kinds if np.can_cast(array.dtype, kind, "safe")]
    if not fits:
        allowed = " or ".join(kind.__name__ for kind in kinds)
        raise refused(f"{name}.dtype", str(array.dtype), f"{allowed}, or what fits into it")
    array = np.asarray(array, dtype=fits[0], order="C")
    with np.errstate(over="ignore", invalid="ignore"):
        total = array.sum()  # faster than a look at each, and finite where all of them are ...
    if not np.isfinite(total) and not np.isfinite(array).all():  # ... unless it overflows
        where = tuple(int(i) for i in np.argwhere(~np.isfinite(array))[0])
        raise refused(f"{name}[{', '.join(map(str, where))}]", array[where], "a finite number")
    return array


def residues(name: str, given: ArrayLike, prime: int) -> NDArray[np.uint64]:
    """Return (points, n, D) whole numbers 0 to prime - 1 as uint64, in C order."""
    array = np.asarray(given)
    if array.dtype.kind not in "iu":
        raise refused(f"{name}.dtype", str(array.dtype), "whole numbers, such as uint64")
    _check_shape(name, array)
    if array.size and (array.min() < 0 or array.max() >= prime):
        worst = array.min() if array.min() < 0 else array.max()
        raise refused(name, int(worst), f"residues from 0 to {prime - 1}")
    return np.ascontiguousarray(array, dtype=np.uint64)


def same_shape(momenta: Array, polarisations: Array) -> None:
    """Refuse polarisations of another shape than the momenta."""
    if polarisations.shape != momenta.shape:
        raise refused(
            "polarisations.shape", polarisations.shape, f"that of the momenta, {momenta.shape}"
        )


def odd_prime(prime: int) -> int:
    """Return an odd modulus below 2^31; whether it is prime is not looked at."""
    if isinstance(prime, bool) or not isinstance(prime, (int, np.integer)):
        raise refused("prime", prime, "a whole number")
    if prime % 2 == 0 or not 3 <= prime < PRIMES_BELOW:
        raise refused("prime", int(prime), "an odd prime below 2^31")
    return int(prime)


def _check_shape(name: str, array: Array) -> None:
    fits = (
        array.ndim == 3
        and LEAST_LEGS <= array.shape[1] <= MOST_LEGS
        and LEAST_DIMENSION <= array.shape[2] <= MOST_DIMENSION
    )
    if not fits:
        raise refused(f"{name}.shape", array.shape, SHAPE)
