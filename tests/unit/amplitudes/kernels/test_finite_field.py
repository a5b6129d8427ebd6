"""Residues modulo a prime: Parke and Taylor's formula and the identities of A hold exactly."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from heliostat_methods.amplitudes.kernels import ym_amplitudes_mod
from heliostat_methods.amplitudes.kernels.backend import CHOICES
from heliostat_methods.amplitudes.kernels.library import library

Array = Any
MERSENNE = 2**31 - 1
PRIMES = (MERSENNE, 2147483629, 1073741827, 65537, 1000003)
SPLIT = (1, -1, 1, -1)
"""The metric in which |a>[b| of whole spinors are whole vectors."""
few = settings(max_examples=25, deadline=None, derandomize=True)


def inverse(x: int, p: int) -> int:
    return pow(int(x), p - 2, p)


def field_vector(left: Array, right: Array, p: int) -> Array:
    """The vector of |left>[right| modulo p, metric (+, -, +, -): object arrays of whole numbers."""
    half = (p + 1) // 2
    m = [[left[a] * right[b] for b in range(2)] for a in range(2)]
    parts = (m[0][0] + m[1][1], m[0][1] + m[1][0], m[1][0] - m[0][1], m[0][0] - m[1][1])
    return [part * half % p for part in parts]


class FieldPoint:
    """Spinors of n massless momenta modulo p whose sum is 0."""

    def __init__(self, n: int, p: int, seed: int) -> None:
        rng = np.random.default_rng(seed)
        self.p, self.n = p, n
        self.left = [[int(x) for x in rng.integers(1, p, 2)] for _ in range(n)]
        right = [[int(x) for x in rng.integers(1, p, 2)] for _ in range(n - 2)]
        # sum |i>[i| = 0, contracted with <n-1| and <n-2|, gives the last two
        a, b = self.left[n - 2 :]
        for other, own in ((b, a), (a, b)):
            scale = inverse(angle_mod(own, other, p), p)
            terms = zip(self.left, right[: n - 2], strict=False)
            sums = [0, 0]
            for left, r in terms:
                weight = angle_mod(left, other, p)
                sums = [(s - weight * x) % p for s, x in zip(sums, r, strict=True)]
            right.append([s * scale % p for s in sums])
        self.right = right

    @property
    def momenta(self) -> Array:
        pairs = zip(self.left, self.right, strict=True)
        return np.array([field_vector(a, b, self.p) for a, b in pairs], dtype=np.uint64)

    def polarisations(self, helicities: Sequence[int], seed: int = 1) -> Array:
        """e^+ = |q>[k| / <qk> and e^- = |k>[q| / [kq], without the sqrt2."""
        rng, p, found = np.random.default_rng([seed, 77]), self.p, []
        q = [int(x) for x in rng.integers(1, p, 2)]
        for left, right, sign in zip(self.left, self.right, helicities, strict=True):
            pair = (q, right, angle_mod(q, left, p)) if sign > 0 else (
                left, q, angle_mod(right, q, p))  # fmt: skip
            scale = inverse(pair[2], p)
            found.append([x * scale % p for x in field_vector(pair[0], pair[1], p)])
        return np.array(found, dtype=np.uint64)

    def parke_taylor(self, i: int, j: int) -> int:
        p, chain = self.p, 1
        for a, b in zip(self.left, self.left[1:] + self.left[:1], strict=True):
            chain = chain * angle_mod(a, b, p) % p
        return pow(angle_mod(self.left[i], self.left[j], p), 4, p) * inverse(chain, p) % p


def angle_mod(a: Sequence[int], b: Sequence[int], p: int) -> int:
    return (a[0] * b[1] - a[1] * b[0]) % p


def helicities(n: int, *negative: int) -> list[int]:
    return [-1 if i in negative else 1 for i in range(n)]


def amplitude(k: Array, e: Array, p: int, using: str | None = None) -> int:
    found, regular = ym_amplitudes_mod(k[None], e[None], p, metric=SPLIT, using=using)
    assert regular.dtype == np.bool_ and regular.all()
    assert found.dtype == np.uint64
    return int(found[0])


@pytest.mark.parametrize("n", range(4, 13))
def test_mhv_amplitudes_are_a_quarter_of_parke_and_taylors_formula(n: int) -> None:
    points = [FieldPoint(n, MERSENNE, seed) for seed in range(11)]
    for i, j in ((0, 1), (0, n // 2), (1, n - 1)):
        k = np.array([point.momenta for point in points])
        e = np.array([point.polarisations(helicities(n, i, j)) for point in points])
        found, regular = ym_amplitudes_mod(k, e, MERSENNE, metric=SPLIT)
        assert regular.all()
        ratios = {
            int(a) * inverse(point.parke_taylor(i, j), MERSENNE) % MERSENNE
            for a, point in zip(found, points, strict=True)
        }
        assert ratios == {2**29}  # 1/4


@pytest.mark.parametrize("p", PRIMES)
def test_every_prime_gives_a_quarter(p: int) -> None:
    point = FieldPoint(6, p, seed=3)
    found = amplitude(point.momenta, point.polarisations(helicities(6, 0, 2)), p)
    assert found * 4 % p == point.parke_taylor(0, 2)


@pytest.mark.parametrize("negative", [(), (2,)])
@pytest.mark.parametrize("n", [4, 5, 8])
def test_amplitudes_of_fewer_than_two_minus_vanish(n: int, negative: tuple[int, ...]) -> None:
    point = FieldPoint(n, MERSENNE, seed=n)
    k, e = point.momenta, point.polarisations(helicities(n, *negative))
    assert amplitude(k, e, MERSENNE) == 0


@few
@given(n=st.integers(4, 9), p=st.sampled_from(PRIMES[:3]), seed=st.integers(0, 10**6),
       data=st.data())  # fmt: skip
def test_a_momentum_for_a_polarisation_gives_nothing_and_words_may_turn(
    n: int, p: int, seed: int, data: st.DataObject
) -> None:
    point = FieldPoint(n, p, seed)
    signs = data.draw(st.lists(st.sampled_from([-1, 1]), min_size=n, max_size=n))
    k, e = point.momenta, point.polarisations(signs, seed + 1)
    found = amplitude(k, e, p)
    turn = data.draw(st.integers(1, n - 1))
    assert amplitude(np.roll(k, turn, axis=0), np.roll(e, turn, axis=0), p) == found
    assert amplitude(k[::-1], e[::-1], p) == (-1) ** n * found % p
    assert amplitude(k, (e * np.uint64(2)) % np.uint64(p), p) == pow(2, n, p) * found % p
    leg = data.draw(st.integers(0, n - 1))
    e[leg] = k[leg]
    assert amplitude(k, e, p) == 0


@few
@given(n=st.integers(3, 13), shape=st.sampled_from([(4, 2), (16, 8)]),
       p=st.sampled_from([3, 5, 65537, 1073741827, 2147483629, MERSENNE]),
       extreme=st.booleans(), seed=st.integers(0, 10**6))  # fmt: skip
def test_all_variants_agree_on_any_residues(
    n: int, shape: tuple[int, int], p: int, extreme: bool, seed: int
) -> None:
    (dimension, plus), rng = shape, np.random.default_rng(seed)
    k, e = rng.integers(p - 2 if extreme else 0, p, (2, 3, n, dimension))
    metric = [1] * plus + [-1] * (dimension - plus)
    slow = ym_amplitudes_mod(k, e, p, metric=metric, using="numpy")
    for using in (*library("modular", dimension, plus).runnable[:-1], "numba"):
        found = ym_amplitudes_mod(k, e, p, metric=metric, using=using)
        assert all((x == y).all() for x, y in zip(found, slow, strict=True)), using


@pytest.mark.parametrize("using", [None, "scalar", "numba", "numpy"])
def test_points_with_a_pole_are_flagged_and_leave_the_others_alone(using: str | None) -> None:
    good = FieldPoint(5, MERSENNE, seed=1)
    k, e = good.momenta, good.polarisations(helicities(5, 0, 1))
    bad = k.copy()
    bad[1] = bad[0] * np.uint64(2) % np.uint64(MERSENNE)  # collinear: (k_0 + k_1)^2 = 0
    found, regular = ym_amplitudes_mod([k, bad, k], [e, e, e], MERSENNE, metric=SPLIT, using=using)
    assert regular.tolist() == [True, False, True]
    assert found[1] == 0
    assert found[0] == found[2] == amplitude(k, e, MERSENNE)


def test_no_points_give_no_residues() -> None:
    nothing = np.zeros((0, 5, 4), np.uint64)
    for using in (None, *CHOICES[-2:]):
        found, regular = ym_amplitudes_mod(nothing, nothing, 7, using=using)
        assert found.shape == regular.shape == (0,)
