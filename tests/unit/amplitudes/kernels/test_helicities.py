"""Helicity amplitudes of four dimensions in doubles: Parke and Taylor's formula, and the zeros."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from heliostat_methods.amplitudes.kernels import ym_amplitudes
from heliostat_methods.amplitudes.kernels.inputs import metric_of
from heliostat_methods.amplitudes.kernels.reference import (
    at_once,
    dense_amplitudes,
    pair_by_pair,
)
from heliostat_methods.amplitudes.kernels.yang_mills import evaluated


def helicities(n: int, *negative: int) -> list[int]:
    return [-1 if i in negative else 1 for i in range(n)]


@pytest.mark.parametrize("n", range(4, 13))
def test_mhv_amplitudes_are_parke_and_taylors(n: int, helicity: SimpleNamespace) -> None:
    k = helicity.momenta(101, n, seed=n)
    left, _ = helicity.spinors(k)
    for i, j in ((0, 1), (0, 3), (2, n - 1)):
        e = helicity.polarisations(k, helicities(n, i, j))
        expected = 2 ** ((n - 4) / 2) * helicity.parke_taylor(left, i, j)
        deviation = np.abs(ym_amplitudes(k, e) / expected - 1)
        # tails: cancelling terms near collinear points
        assert np.median(deviation) < 1e-14 * 4 ** (n - 3)
        assert np.quantile(deviation, 0.9) < 1e-8


@pytest.mark.parametrize("negative", [(), (1,)])
@pytest.mark.parametrize("n", [4, 5, 6, 7])
def test_amplitudes_of_fewer_than_two_minus_vanish(
    n: int, negative: tuple[int, ...], helicity: SimpleNamespace
) -> None:
    k = helicity.momenta(101, n, seed=n)
    e = helicity.polarisations(k, helicities(n, *negative))
    sizes = np.empty(len(k))
    left = np.abs(evaluated(k, e, metric_of(None, 4), None, sizes))
    assert np.median(left / sizes) < 1e-13
    assert (left / sizes).max() < 1e-8


@pytest.mark.parametrize("four", [at_once, pair_by_pair])
@pytest.mark.parametrize("n", [4, 5, 7])
def test_feynman_rules_give_the_same(n: int, four, helicity: SimpleNamespace) -> None:
    rng = np.random.default_rng(n)
    k = helicity.momenta(50, n, seed=n)
    # any combination of both helicities and the momentum is transversal
    parts = helicity.polarisations(k, [1] * n), helicity.polarisations(k, [-1] * n), k
    e = sum(rng.normal(size=(50, n, 1)) * part for part in parts)
    for pol in (e, e.real):
        found, expected = ym_amplitudes(k, pol), dense_amplitudes(k, pol, four=four)
        assert found.dtype == pol.dtype
        scale = np.abs(expected).max()
        assert np.abs(found - expected).max() < 1e-10 * scale
        assert np.median(np.abs(found - expected)) < 1e-13 * scale


def test_three_gluons_have_the_amplitude_of_the_vertex(helicity: SimpleNamespace) -> None:
    rng = np.random.default_rng(3)
    # |l_i>[r| of real spinors in the metric (+, -, +, -): three parallel ones would give only 0
    left, right, q = rng.normal(size=(3, 40, 3, 2))
    left[:, 2] = -left[:, 0] - left[:, 1]
    right[:] = right[:, :1]
    turn = np.array([1, 1, 1j, 1])
    k, along, across = ((helicity.vector(*pair) * turn).real
                        for pair in ((left, right), (left, q), (q, right)))  # fmt: skip
    e = along * rng.normal(size=(40, 3, 1)) + across * rng.normal(size=(40, 3, 1))
    metric = np.array([1, -1, 1, -1])

    def dot(x, y):
        return (x * y * metric).sum(-1)

    e0, e1, e2 = e[:, 0], e[:, 1], e[:, 2]
    k0, k1 = k[:, 0], k[:, 1]
    # V3(X, Y) of transversal polarisations, times e_2 and halved
    expected = (dot(e0, e1) * dot(k0 - k1, e2) / 2 + dot(k1, e0) * dot(e1, e2)
                - dot(k0, e1) * dot(e0, e2))  # fmt: skip
    for found in (ym_amplitudes(k, e, metric=metric), dense_amplitudes(k, e, metric=metric)):
        np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-12)


def test_the_metric_may_be_written_in_any_order_of_components(helicity: SimpleNamespace) -> None:
    k = helicity.momenta(9, 6)
    e = helicity.polarisations(k, helicities(6, 1, 2))
    expected = ym_amplitudes(k, e)
    turned = [3, 1, 0, 2]
    found = ym_amplitudes(k[..., turned], e[..., turned], metric=(-1, -1, 1, -1))
    np.testing.assert_allclose(found, expected, rtol=1e-11)
    # two products more above than below: their common sign drops out
    np.testing.assert_allclose(ym_amplitudes(k, e, metric=(-1, 1, 1, 1)), expected, rtol=1e-11)


def test_scalars_are_gluons_in_further_dimensions(helicity: SimpleNamespace) -> None:
    k = helicity.momenta(20, 6, seed=2)
    e = helicity.polarisations(k, [1, -1, 1, -1, 1, -1])
    plain = ym_amplitudes(k, e)
    k, e = (np.pad(x, ((0, 0), (0, 0), (0, 3))) for x in (k, e))
    metric = (1, -1, -1, -1, 1, -1, -1)
    np.testing.assert_allclose(ym_amplitudes(k, e, metric=metric), plain, rtol=1e-10)
    for flavour, sign in ((4, 1), (6, -1)):
        scalar = np.eye(7)[flavour]
        scalars, both, one = e.copy(), e.copy(), e.copy()
        scalars[:, [0, 2]] = scalar
        both[:, [0, 2]] += scalar  # e_0.e_2 moves by the sign, and no other product changes
        derivative = sign * (ym_amplitudes(k, both, metric=metric) - plain)
        found = ym_amplitudes(k, scalars, metric=metric)
        np.testing.assert_allclose(sign * found, derivative, rtol=1e-9, atol=1e-9)
        one[:, 0] = scalar  # the only one of its flavour
        assert np.abs(ym_amplitudes(k, one, metric=metric)).max() < 1e-10
