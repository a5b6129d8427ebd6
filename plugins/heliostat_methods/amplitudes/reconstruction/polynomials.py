"""Polynomials in one variable modulo a prime: int64 arrays of coefficients, the constant first.

The zero polynomial has no coefficients; all others end in one that is not 0.
"""

from __future__ import annotations

import numpy as np

from heliostat_methods.amplitudes.fields.residue_arrays import Integers


def trimmed(coefficients: Integers) -> Integers:
    """Return a polynomial without leading zeros."""
    nonzero = np.flatnonzero(coefficients)
    return coefficients[: int(nonzero[-1]) + 1 if nonzero.size else 0]


def times(a: Integers, b: Integers, prime: int) -> Integers:
    """Return the product."""
    if not a.size or not b.size:
        return np.zeros(0, dtype=np.int64)
    total = np.zeros(a.size + b.size - 1, dtype=np.int64)
    for i, x in enumerate(a):
        total[i : i + b.size] = (total[i : i + b.size] + x * b) % prime
    return trimmed(total)


def minus(a: Integers, b: Integers, prime: int) -> Integers:
    """Return a - b."""
    total = np.zeros(max(a.size, b.size), dtype=np.int64)
    total[: a.size] = a
    total[: b.size] -= b
    return trimmed(total % prime)


def divided(a: Integers, b: Integers, prime: int) -> tuple[Integers, Integers]:
    """Return quotient and remainder of a by b, which is not 0."""
    rest = a.copy()
    lead = pow(int(b[-1]), -1, prime)
    quotient = np.zeros(max(a.size - b.size + 1, 0), dtype=np.int64)
    for i in range(quotient.size - 1, -1, -1):
        factor = int(rest[i + b.size - 1]) * lead % prime
        quotient[i] = factor
        rest[i : i + b.size] = (rest[i : i + b.size] - factor * b) % prime
    return trimmed(quotient), trimmed(rest)


def value_at(coefficients: Integers, t: int, prime: int) -> int:
    """Return the polynomial's value at a residue."""
    total = 0
    for coefficient in reversed(coefficients.tolist()):
        total = (total * t + coefficient) % prime
    return total


def interpolated(ts: Integers, values: Integers, prime: int) -> tuple[Integers, Integers]:
    """Return the polynomial through (t, value) of degree < points, and prod (x - t).

    ``ts`` differ. Newton's form: divided differences, then nested products.
    """
    differences = values.copy()
    for order in range(1, ts.size):
        spans = (ts[order:] - ts[:-order]) % prime
        inverses = np.array([pow(int(x), -1, prime) for x in spans], dtype=np.int64)
        steps = (differences[order:] - differences[order - 1 : -1]) % prime
        differences[order:] = steps * inverses % prime
    polynomial, nodes = np.zeros(0, dtype=np.int64), np.ones(1, dtype=np.int64)
    for t, difference in zip(ts.tolist(), differences.tolist(), strict=True):
        polynomial = minus(polynomial, -difference * nodes % prime, prime)
        nodes = times(nodes, np.array([-t % prime, 1], dtype=np.int64), prime)
    return polynomial, nodes


def interpolated_quotient(ts: Integers, values: Integers, prime: int) -> tuple[Integers, Integers]:
    """Return numerator and monic denominator, of least total degree, through (t, value).

    Of all rows r = q g modulo prod (x - t) of Euclid's algorithm the one where deg r + deg q is
    least; it is the function sought where its total degree + 1 is below the number of points.
    Source: Cauchy's interpolation; von zur Gathen and Gerhard, Modern Computer Algebra, 5.8.
    """
    below, above = interpolated(ts, values, prime)
    factor, before = np.ones(1, dtype=np.int64), np.zeros(0, dtype=np.int64)
    best = (below, factor)
    while below.size:
        quotient, rest = divided(above, below, prime)
        before, factor = factor, minus(before, times(quotient, factor, prime), prime)
        above, below = below, rest
        if _total_degree(below, factor) < _total_degree(*best):
            best = (below, factor)
    numerator, denominator = best
    lead = pow(int(denominator[-1]), -1, prime)
    return numerator * lead % prime, denominator * lead % prime


def _total_degree(numerator: Integers, denominator: Integers) -> int:
    return max(numerator.size - 1, 0) + denominator.size - 1
