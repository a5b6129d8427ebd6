"""Pooled moments are those of all rows at once, wherever the rows were cut."""

from __future__ import annotations

import json
import math
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from heliostat.errors import DataError
from heliostat.values.canonical import decode, encode
from heliostat_search.pooled_moments import PooledMean, PooledMoments

seeds = st.integers(0, 2**32 - 1)
few = settings(max_examples=40, deadline=None)


def cut(rng: np.random.Generator, rows: int, most: int = 6) -> list[np.ndarray[Any, Any]]:
    """Rows 0..rows-1 in up to `most` parts, none of them empty, in order."""
    at = rng.choice(np.arange(1, rows), min(most, rows) - 1, replace=False)
    return np.split(np.arange(rows), np.sort(at))


def pooled(values: Any, weights: Any, parts: Any, within: Any = None) -> PooledMoments:
    total = None
    for rows in parts:
        inner = None if within is None else within[rows]
        part = PooledMoments.of(values[rows], weights[rows], inner)
        total = part if total is None else total.merge(part)
    assert total is not None
    return total


def test_moments_by_hand() -> None:
    # weights 1/4, 3/4; mean 0.25 * 2 + 0.75 * 6 = 5; variance 0.25 * 9 + 0.75 * 1 = 3
    found = PooledMoments.of([[2.0], [6.0]], [1.0, 3.0])
    assert (found.weight, found.mean.tolist(), found.variance.tolist()) == (4.0, [5.0], [3.0])


def test_the_pool_of_gaussians_is_the_one_that_is_closest_in_kullback_leibler() -> None:
    # mean, and variance within plus variance between: 2.5 + 0.0625, 0.625 + 0.25, ...
    means, deviations = [[0.0, 1, -2], [0.5, 0, 1]], np.array([[1, 0.5, 2], [2, 1, 0.25]])
    found = PooledMoments.of(means, within=deviations**2)
    np.testing.assert_allclose(found.mean, [0.25, 0.5, -0.5], rtol=1e-15)
    np.testing.assert_allclose(found.variance, [2.5625, 0.875, 4.28125], rtol=1e-15)
    np.testing.assert_allclose(PooledMean.of(deviations).mean, [1.5, 0.75, 1.125], rtol=1e-15)


@few
@given(seeds, st.integers(1, 60), st.integers(1, 5))
def test_any_cut_gives_numpys_two_pass_moments(seed: int, rows: int, columns: int) -> None:
    rng = np.random.default_rng(seed)
    values, weights = rng.normal(3.0, 2.0, (rows, columns)), rng.uniform(0.1, 5.0, rows)
    within = rng.uniform(0.0, 2.0, (rows, columns))
    found = pooled(values, weights, cut(rng, rows), within)
    mean = np.average(values, axis=0, weights=weights)
    spread = np.average((values - mean) ** 2 + within, axis=0, weights=weights)
    assert found.weight == pytest.approx(weights.sum(), rel=1e-13)
    np.testing.assert_allclose(found.mean, mean, rtol=1e-12)
    np.testing.assert_allclose(found.variance, spread, rtol=1e-12)


@few
@given(seeds, st.sampled_from([1e-3, 1e-6]), st.booleans())
def test_a_spread_far_below_the_mean_is_kept(seed: int, spread: float, single: bool) -> None:
    """What raw moments in float32 lose: they gave variances below zero (and off by a factor)."""
    rng = np.random.default_rng(seed)
    values, parts = 5.0 + spread * rng.standard_normal((200, 4)), cut(rng, 200, 10)
    total, exact = None, np.var(values, axis=0)
    for rows in parts:
        part = PooledMoments.of(values[rows])
        part = part.single() if single and spread > 1e-4 else part
        total = part if total is None else total.merge(part)
    assert total is not None
    assert total.mean.dtype == np.float64
    # single precision holds 5 to 2.4e-7: two means in a spread of 1e-3 are off by 5e-4 of it
    tolerance = 2e-3 if single and spread > 1e-4 else 1e-8
    np.testing.assert_allclose(total.variance, exact, rtol=tolerance)


@few
@given(seeds)
def test_the_order_of_parts_matters_in_the_last_bits_alone(seed: int) -> None:
    rng = np.random.default_rng(seed)
    values, weights, parts = rng.normal(size=(30, 3)), rng.uniform(0.1, 5, 30), cut(rng, 30)
    there, back = pooled(values, weights, parts), pooled(values, weights, parts[::-1])
    np.testing.assert_allclose(there.mean, back.mean, rtol=1e-11, atol=1e-15)
    np.testing.assert_allclose(there.variance, back.variance, rtol=1e-12)


numbers = st.one_of(
    st.floats(allow_nan=True, allow_infinity=True),
    st.sampled_from([0.0, -0.0, 5e-324, 1e-308, 1e-160, 1e155, 1.7e308, -1.7e308, 1.0]),
)
sizes = st.one_of(numbers, numbers.map(abs), numbers.map(abs))


@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(numbers, sizes, sizes), min_size=1, max_size=5), st.integers(1, 4))
def test_any_rows_give_exact_moments_or_are_refused(rows: list[Any], cuts: int) -> None:
    values, weights, within = (np.array(column)[:, None] for column in zip(*rows, strict=True))
    parts = np.array_split(np.arange(len(rows)), min(cuts, len(rows)))
    try:
        found = pooled(values, weights[:, 0], parts, within)
    except DataError as error:
        assert any(name in str(error) for name in ("values", "weights", "within"))
        return
    w, x, v = ([Fraction(float(n)) for n in column[:, 0]] for column in (weights, values, within))
    total = sum(w)
    mean = sum(a * b for a, b in zip(w, x, strict=True)) / total
    spread = sum(a * ((b - mean) ** 2 + c) for a, b, c in zip(w, x, v, strict=True)) / total
    size = float(max(map(abs, x)))
    # the least double is 5e-324, and a share of the weight is no better than that
    assert found.weight == pytest.approx(float(total), rel=1e-14)
    assert found.mean[0] == pytest.approx(float(mean), rel=1e-13, abs=1e-13 * size + 1e-322)
    rounding = (1e-15 * size) ** 2 if size < 1e150 else math.inf
    least = 1e-322 * max(1.0, float(max(v)), size**2 if size < 1e150 else math.inf)
    assert found.variance[0] == pytest.approx(float(spread), rel=1e-12, abs=rounding + least)


@pytest.mark.parametrize(
    ("values", "options", "message"),
    [
        ([1.0, 2.0], {}, r"values: .* \(rows, columns\) with at least one row, got shape \(2,\)"),
        (np.zeros((0, 3)), {}, r"values: .* got shape \(0, 3\)"),
        ([["a"]], {}, r"values: expected numbers, got an array of <U1"),
        ([[1.0], [math.nan]], {}, r"values: nan in row 1, column 0; expected finite numbers"),
        ([[1.0]], {"weights": [1.0, 2.0]}, r"weights: expected shape \(1,\), got \(2,\)"),
        ([[1.0]], {"weights": [0.0]}, r"weights: 0\.0 in row 0; expected .* above 0"),
        ([[1.0]], {"weights": [math.inf]}, r"weights: inf in row 0; expected finite"),
        ([[1.0]] * 2, {"weights": [1.7e308] * 2}, r"weights: .*overflows"),
        ([[1.0]], {"within": [[-1.0]]}, r"within: -1\.0 in row 0, column 0; .* 0 or more"),
        ([[1.0]], {"within": [[1.0, 2.0]]}, r"within: expected shape \(1, 1\), got \(1, 2\)"),
        ([[0.0, 1e200], [0.0, -1e200]], {}, r"values: .* column 1 .*overflow"),
    ],
)
def test_refusals_name_the_argument_and_the_place(values: Any, options: Any, message: str) -> None:
    with pytest.raises(DataError, match=message):
        PooledMoments.of(values, **options)


def test_a_merge_names_what_does_not_fit() -> None:
    with pytest.raises(DataError, match=r"moments of 2 and 1 columns"):
        PooledMoments.of([[1.0, 2.0]]).merge(PooledMoments.of([[1.0]]))
    with pytest.raises(DataError, match=r"means of 2 and 1 columns"):
        PooledMean.of([[1.0, 2.0]]).merge(PooledMean.of([[1.0]]))
    far = PooledMoments.of([[0.0, 1e200]]), PooledMoments.of([[0.0, -1e200]])
    with pytest.raises(DataError, match=r"values: .* column 1 .*overflow"):
        far[0].merge(far[1])
    heavy = PooledMean.of([[1.0]], [1.7e308])
    with pytest.raises(DataError, match=r"weights: .*overflows"):
        heavy.merge(heavy)


def test_single_precision_refuses_what_it_cannot_hold() -> None:
    with pytest.raises(DataError, match=r"values: .* column 0 .*overflow"):
        PooledMoments.of([[1e39]]).single()


@pytest.mark.parametrize("kind", [PooledMoments, PooledMean])
def test_stored_moments_come_back_with_their_type_and_bits(kind: Any) -> None:
    moments = kind.of([[1.0, 0.1], [2.0, 0.3]]).single()
    back = decode(encode(moments))
    assert type(back) is kind
    assert back.mean.dtype == np.float32
    assert encode(back) == encode(moments)
    assert len(json.loads(encode(moments))) == 1
