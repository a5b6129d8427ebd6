"""Moments merge as if they had never been apart; rounds, controls and the fold."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from heliostat.errors import ConfigError, DataError
from heliostat_search.montecarlo import Controls, Moments, Rounds, fold, held


def blocks() -> list[Moments]:
    """Blocks b = 0..3 of 1000 draws exp(standard_normal) from stream (2026, (1, b))."""
    found = []
    for b in range(4):
        seed = np.random.SeedSequence(2026, spawn_key=(1, b))
        rng = np.random.Generator(np.random.Philox(seed))
        found.append(Moments.of(np.exp(rng.standard_normal(1000))[None, :]))
    return found


def test_oracle_of_the_architecture() -> None:
    # ARCHITECTURE, RNG streams: folded left to right, relative 1e-12
    total = blocks()[0]
    for block in blocks()[1:]:
        total = total.merge(block)
    assert total.n == 4000
    assert total.mean[0] == pytest.approx(1.63727291205708, rel=1e-12)
    assert total.products[0, 0] == pytest.approx(17115.3139590785, rel=1e-12)


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 30), st.integers(1, 30), st.integers(0, 2**32 - 1))
def test_merge_equals_moments_of_all_samples(a: int, b: int, seed: int) -> None:
    x = np.random.default_rng(seed).normal(3.0, 2.0, (3, a + b))
    merged = Moments.of(x[:, :a]).merge(Moments.of(x[:, a:]))
    whole = Moments.of(x)
    assert merged.n == whole.n
    np.testing.assert_allclose(merged.mean, whole.mean, rtol=1e-12)
    np.testing.assert_allclose(merged.products, whole.products, atol=1e-9)


def test_controls_remove_what_they_explain() -> None:
    rng = np.random.default_rng(1)
    x = rng.standard_normal(4000)
    y = 3.0 + 2.0 * x + 0.1 * rng.standard_normal(4000)
    columns = np.stack([y, x + 5.0, np.full(4000, 7.0)])
    controls = Controls.fit(Moments.of(columns[:, :500]), (5.0, 7.0))
    assert controls.coefficients[0] == pytest.approx(2.0, abs=0.05)
    assert controls.coefficients[1] == 0.0  # a constant explains nothing
    found = controls.estimate(Moments.of(columns[:, 500:]))
    plain = Controls.none().estimate(Moments.of(columns[:, 500:]))
    assert found.error < plain.error / 10
    assert abs(found.value - 3.0) < 4 * found.error


def test_collinear_controls_are_no_error() -> None:
    x = np.random.default_rng(2).standard_normal(100)
    controls = Controls.fit(Moments.of(np.stack([x, x, x])), (0.0, 0.0))
    assert sum(controls.coefficients) == pytest.approx(1.0)


def test_of_equal_controls_the_first_is_used() -> None:
    # they are equal in the sample only: what tells them apart has not been drawn
    x = np.random.default_rng(2).standard_normal(500)
    controls = Controls.fit(Moments.of(np.stack([2.0 * x, x, -x, x])), (0.0, 0.3, 0.0))
    assert controls.coefficients == (pytest.approx(2.0), 0.0, 0.0)


def test_a_control_that_misses_its_mean_is_named_and_dropped() -> None:
    rng = np.random.default_rng(4)
    x, z = rng.standard_normal((2, 4000))
    columns = np.stack([1.0 + x + z, x, z + 0.5])
    controls = Controls.fit(Moments.of(columns[:, :1000]), (0.0, 0.0))
    moments = Moments.of(columns[:, 1000:])
    missed = controls.missed(moments)
    # half a standard deviation is 27 standard errors of 3000 samples
    assert list(missed) == [1] and missed[1] == pytest.approx(0.5 * math.sqrt(3000), abs=4.0)
    kept = controls.without(missed)
    assert kept.coefficients == (controls.coefficients[0], 0.0)
    found = kept.estimate(moments)
    assert abs(found.value - 1.0) < 4.5 * found.error < abs(controls.estimate(moments).value - 1.0)
    np.testing.assert_allclose(
        kept.residual(columns).mean(), kept.estimate(Moments.of(columns)).value, rtol=1e-12
    )


def test_carriers_are_counted_and_few_of_them_widen_an_error() -> None:
    hits = np.zeros(1000)
    hits[:7] = 3.0
    assert Moments.of(hits[None, :]).carriers(0) == pytest.approx(7.0)
    assert Moments.of(np.zeros((1, 5))).carriers(0) == 0.0
    assert held(1.0, 9.0) == pytest.approx(math.sqrt(2.0))
    assert held(1.0, 1e9) == pytest.approx(1.0) and held(1.0, 0.0) == 1.0
    # a count of k below its mean by 4.5 of sqrt(k + 9) is one in 30,000: e^-m sum m^j / j!
    for k, mean in ((0, 13.5), (3, 18.6), (20, 44.2)):
        below = sum(math.exp(-mean) * mean**j / math.factorial(j) for j in range(k + 1))
        plain = math.sqrt(max(k, 1e-9))
        assert mean - k == pytest.approx(4.5 * held(plain, plain**2), abs=0.1)
        assert below < 5e-5


def test_columns_stand_beside_each_other() -> None:
    x, y = np.random.default_rng(5).normal(size=(2, 3, 40))
    both = Moments.of(x).beside(Moments.of(y[:1]))
    assert both.mean.shape == (4,)
    np.testing.assert_array_equal(both.select((0, 1, 2)).products, Moments.of(x).products)
    np.testing.assert_array_equal(both.select((3,)).products, Moments.of(y[:1]).products)
    with pytest.raises(DataError, match="40 and 5 samples"):
        Moments.of(x).beside(Moments.of(y[:, :5]))


def test_rounds_are_fixed_beforehand() -> None:
    rounds = Rounds(first=4, growth=2, most=20)
    assert [n for n in range(1, 30) if rounds.ends(n)] == [4, 8, 16, *range(20, 30)]
    with pytest.raises(ConfigError, match="rounds"):
        Rounds(first=0)


def test_fold_leaves_what_is_not_wanted() -> None:
    taken: list[int] = []
    seen: list[int] = []

    def source() -> Iterator[Moments]:
        for i, block in enumerate(blocks() * 10):
            taken.append(i)
            yield block

    total = fold(source(), lambda t: t.n >= 7000, lambda t: seen.append(t.n))
    assert (total.n, len(taken)) == (7000, 7)
    assert seen == [1000 * i for i in range(1, 8)]


def test_selected_columns_have_the_moments_of_those_samples() -> None:
    x = np.random.default_rng(3).normal(size=(4, 50))
    found, expected = Moments.of(x).select((2, 0)), Moments.of(x[[2, 0]])
    np.testing.assert_array_equal(found.mean, expected.mean)
    np.testing.assert_array_equal(found.products, expected.products)


def test_one_sample_has_no_error_and_no_block_is_refused() -> None:
    assert math.isnan(Moments.of([[1.0]]).covariance[0, 0])
    with pytest.raises(DataError, match="no block"):
        fold([], lambda total: True)
    with pytest.raises(DataError, match="columns"):
        Moments.of([[1.0, 2.0]]).merge(Moments.of([[1.0, 2.0], [3.0, 4.0]]))
    with pytest.raises(DataError, match="sample"):
        Moments.of([])
