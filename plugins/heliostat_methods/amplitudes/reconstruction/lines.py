"""Kinematics in which one product varies."""

from __future__ import annotations

from typing import Any

from heliostat_methods.amplitudes.kinematics.gram_point import GramPoint


def with_product(
    point: GramPoint, pair: tuple[int, int], value: Any, balance: tuple[int, int] | None = None
) -> GramPoint:
    """Return the point with k_i.k_j = value for one pair of legs i, j <= n-2.

    The last leg stays massless: the product of the pair ``balance``, by default (n-3, n-2), takes
    up the difference. Raises ValueError for pairs that are none, or the same.
    """
    last = point.n - 2
    other = (last - 1, last) if balance is None else balance
    i, j = _checked("pair", pair, last)
    a, b = _checked("balance", other, last)
    if (i, j) == (a, b):
        raise ValueError(f"balance: {other}, expected another pair than {pair}")
    value = point.field.number(value)
    kk = [list(row) for row in point.kk]
    kk[a][b] = kk[b][a] = kk[a][b] + kk[i][j] - value
    kk[i][j] = kk[j][i] = value
    return GramPoint(kk, point.ek, point.ee, point.field)


def _checked(name: str, pair: tuple[int, int], last: int) -> tuple[int, int]:
    i, j = sorted(pair)
    if i == j or not i >= 0 or not j <= last:
        raise ValueError(f"{name}: {pair}, expected two different legs from 0 to {last}")
    return i, j
