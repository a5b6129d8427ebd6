"""The table of oracles: exact values at the point K0, by vectors modulo p with its products.

Origin of the fractions: two independent exact implementations of the currents, in rational numbers.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from heliostat_methods.amplitudes.kernels import ym_amplitudes_mod

P = 2**31 - 1
AMPLITUDES = {
    3: "-8",
    4: "-481/42",
    5: "-7581/1885",
    6: "-24263959/27873846",
    7: "-2003122492243206197/220268379634102800",
    8: "13139978866789902427513/80243475090204666240000",
}
ONE_PAIR = {
    4: "-52/21",
    5: "473/2730",
    6: "-110992163/5597523360",
    7: "-39343858194485707/1101341898170514000",
}
"""d / d(e_0.e_1)."""
TWO_PAIRS = {4: "1", 5: "0", 6: "-853/27846"}
"""d / d(e_0.e_2) d / d(e_1.e_3)."""
Gram = list[list[int]]


def residue(x: Fraction | int, p: int) -> int:
    x = Fraction(x)
    return x.numerator * pow(x.denominator, -1, p) % p


def standard_gram(n: int) -> Gram:
    """Products of k_0..k_{n-2}, e_0..e_{n-1} at the point K0 of the oracles."""
    size = 2 * n - 1
    g = [[0] * size for _ in range(size)]

    def put(a: int, b: int, x: int) -> None:
        g[a][b] = g[b][a] = x

    pairs = [(i, j) for j in range(n - 1) for i in range(j)]
    for i, j in pairs:
        put(i, j, (2 * (i + 1) ** 2 + 3 * (j + 1) ** 3 + 5 * (i + 1) * (j + 1)) % 23 + 1)
    put(n - 3, n - 2, 0)
    put(n - 3, n - 2, -sum(g[i][j] for i, j in pairs))
    for i in range(n):
        for j in range(n - 1):
            if i != j:
                put(n - 1 + i, j, (4 * i + 7 * j + i * j) % 11 - 5)
        for j in range(i, n):
            put(n - 1 + i, n - 1 + j, (2 * i + 5 * j + 3 * i * j) % 9 - 4)
    last = size - 1
    put(last, n - 2, -sum(g[last][j] for j in range(n - 2)))
    return g


def vectors(gram: Gram, p: int, seed: int) -> tuple[Any, list[int]]:
    """Rows with these products modulo p, and the signs of the metric; p = 3 modulo 4.

    A random change of basis gives a Gram matrix whose minors are not 0, and L D L^T of it vectors:
    of x and -x one is a square.
    """
    size, rng = len(gram), np.random.default_rng(seed)
    change = [[int(x) for x in row] for row in rng.integers(0, p, (size, size))]
    s = product(product(change, gram, p), [list(c) for c in zip(*change, strict=True)], p)
    columns, signs = [], []
    for m in range(size):
        pivot = s[m][m]
        if pivot == 0:  # the rank is reached
            break
        sign = 1 if pow(pivot, (p - 1) // 2, p) == 1 else -1
        root = pow(sign * pivot % p, (p + 1) // 4, p)
        column = [s[a][m] * sign * pow(root, -1, p) % p for a in range(size)]
        columns.append(column)
        signs.append(sign)
        s = [[(s[a][b] - sign * column[a] * column[b]) % p for b in range(size)]
             for a in range(size)]  # fmt: skip
    rows = product(inverted(change, p), [list(r) for r in zip(*columns, strict=True)], p)
    return rows, signs


def product(a: Gram, b: Gram, p: int) -> Gram:
    return [[sum(x * y for x, y in zip(row, column, strict=True)) % p
             for column in zip(*b, strict=True)] for row in a]  # fmt: skip


def inverted(matrix: Gram, p: int) -> Gram:
    size = len(matrix)
    rows = [[*row, *(int(i == j) for j in range(size))] for i, row in enumerate(matrix)]
    for i in range(size):
        at = next(r for r in range(i, size) if rows[r][i] % p)
        rows[i], rows[at] = rows[at], rows[i]
        scale = pow(rows[i][i], -1, p)
        rows[i] = [x * scale % p for x in rows[i]]
        for r in range(size):
            if r != i and rows[r][i]:
                factor = rows[r][i]
                rows[r] = [(x - factor * y) % p for x, y in zip(rows[r], rows[i], strict=True)]
    return [row[size:] for row in rows]


def amplitude(gram: Gram, flavours: dict[int, int] | None = None) -> int:
    """The amplitude at a table of products; a leg may be a scalar of a flavour 0, 1, ..."""
    n, scalars = (len(gram) + 1) // 2, flavours or {}
    extra = len(set(scalars.values()))
    for seed in range(50):  # until it fits, so that all tests use one compiled library
        rows, signs = vectors(gram, P, seed)
        if max(signs.count(1) + extra, signs.count(-1)) <= 8:
            break
    k = np.array(rows[: n - 1], dtype=np.int64)
    k = np.concatenate([k, -k.sum(0, keepdims=True)]) % P
    e = np.array(rows[n - 1 :], dtype=np.int64)
    k, e = (np.pad(x, ((0, 0), (0, 16 - len(signs)))) for x in (k, e))
    metric = [*signs, *[1] * (8 - signs.count(1)), *[-1] * (8 - signs.count(-1))]
    for leg, flavour in scalars.items():
        e[leg] = 0
        e[leg, len(signs) + flavour] = 1
    found, regular = ym_amplitudes_mod(k[None], e[None], P, metric=metric)
    assert regular.all()
    return int(found[0])


def raised(gram: Gram, i: int, j: int) -> Gram:
    """One more for e_i.e_j."""
    n = (len(gram) + 1) // 2
    found = [list(row) for row in gram]
    found[n - 1 + i][n - 1 + j] += 1
    found[n - 1 + j][n - 1 + i] += 1
    return found


@pytest.mark.parametrize("n", AMPLITUDES)
def test_gluons_have_the_amplitude_of_the_table(n: int) -> None:
    assert amplitude(standard_gram(n)) == residue(Fraction(AMPLITUDES[n]), P)


@pytest.mark.parametrize("n", ONE_PAIR)
def test_a_pair_of_scalars_is_the_derivative_by_their_product(n: int) -> None:
    gram, expected = standard_gram(n), residue(Fraction(ONE_PAIR[n]), P)
    assert amplitude(gram, {0: 0, 1: 0}) == expected
    assert (amplitude(raised(gram, 0, 1)) - amplitude(gram)) % P == expected


@pytest.mark.parametrize("n", TWO_PAIRS)
def test_two_flavours_are_two_derivatives(n: int) -> None:
    found = amplitude(standard_gram(n), {0: 0, 2: 0, 1: 1, 3: 1})
    assert found == residue(Fraction(TWO_PAIRS[n]), P)
