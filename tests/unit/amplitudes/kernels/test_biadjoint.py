"""The bi-adjoint scalar: oracles at the point K0, symmetries, and poles."""

from __future__ import annotations

import re
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from heliostat_methods.amplitudes.kernels import bas_amplitudes

SAME = {4: "1/42", 5: "431/158340", 6: "3257519/39182663520"}
"""m(id|id), and below m(id|0, n-2, ..., 1, n-1): exact values of independent implementations."""
TURNED = {4: "1/21", 5: "-8/1305", 6: "3061/25117092"}


def standard(n: int) -> Any:
    """k_i.k_j at the point K0 of the oracles, of all legs."""
    s = np.zeros((n, n))
    for j in range(n - 1):
        for i in range(j):
            s[i, j] = (2 * (i + 1) ** 2 + 3 * (j + 1) ** 3 + 5 * (i + 1) * (j + 1)) % 23 + 1
    s[n - 3, n - 2] = 0
    s[n - 3, n - 2] = -s.sum()
    s += s.T
    s[n - 1, : n - 1] = s[: n - 1, n - 1] = -s[: n - 1, : n - 1].sum(1)
    return s[None]


@pytest.mark.parametrize("n", SAME)
def test_values_of_the_table(n: int) -> None:
    legs = list(range(n))
    turned = [0, *legs[n - 2 : 0 : -1], n - 1]
    for other, table in ((legs, SAME), (turned, TURNED)):
        np.testing.assert_allclose(
            bas_amplitudes(standard(n), legs, other), float(Fraction(table[n])), rtol=1e-12
        )


@pytest.mark.parametrize("n", [4, 5, 6, 7])
def test_orders_are_cyclic_and_may_be_exchanged(n: int) -> None:
    rng, s = np.random.default_rng(n), standard(n)
    left, right = rng.permutation(n).tolist(), rng.permutation(n).tolist()
    for other in (left, right):
        found = bas_amplitudes(s, left, other)
        np.testing.assert_allclose(bas_amplitudes(s, other, left), found, rtol=1e-10)
        for turn in range(n):
            turned = left[turn:] + left[:turn]
            np.testing.assert_allclose(bas_amplitudes(s, turned, other), found, rtol=1e-10)


def test_a_leg_anywhere_sums_to_nothing() -> None:
    # U(1) decoupling of leg 0
    s, left = standard(6), [2, 0, 4, 1, 3, 5]
    orders = [[*range(1, i), 0, *range(i, 6)] for i in range(2, 7)]
    total = sum(bas_amplitudes(s, left, order) for order in orders)
    assert np.abs(total).max() < 1e-12 * np.abs(bas_amplitudes(s, left, left)).max() + 1e-18


def test_three_legs_have_plus_and_minus_one() -> None:
    s = np.zeros((2, 3, 3))
    assert bas_amplitudes(s, [0, 1, 2], [1, 2, 0]).tolist() == [1, 1]
    assert bas_amplitudes(s, [0, 1, 2], [1, 0, 2]).tolist() == [-1, -1]


def test_a_pole_is_nan() -> None:
    s = np.concatenate([standard(5)] * 2)
    s[1, 0, 1] = 0
    found = bas_amplitudes(s, range(5), range(5))
    assert np.isnan(found).tolist() == [False, True]


@pytest.mark.parametrize(
    ("s", "left", "right", "said"),
    [
        (np.ones((1, 4, 5)), range(4), range(4), "s.shape = (1, 4, 5): expected (points, n, n)"),
        (np.ones((4, 4)), range(4), range(4), "s.shape = (4, 4)"),
        (np.full((1, 4, 4), np.inf), range(4), range(4), "expected a finite number"),
        (np.ones((1, 4, 4)), [0, 1, 2, 2], range(4), "left = [0, 1, 2, 2]: expected the legs"),
        (np.ones((1, 4, 4)), range(4), range(3), "right = range(0, 3): expected the legs 0 to 3"),
    ],
)
def test_what_is_refused(s: Any, left: Any, right: Any, said: str) -> None:
    with pytest.raises(ValueError, match=re.escape(said)):
        bas_amplitudes(s, left, right)
