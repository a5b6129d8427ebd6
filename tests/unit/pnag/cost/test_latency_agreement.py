from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from heliostat.errors import DataError
from heliostat_methods.pnag.cost.latency_agreement import agreement

SECONDS = st.floats(1e-9, 1e6)
PAIRS = st.lists(st.tuples(SECONDS, SECONDS), min_size=2, max_size=30)


def test_known_numbers() -> None:
    """By hand: one pair of six is the other way round; ratios are 1/2, 1, 1 and 2/3."""
    found = agreement(np.array([1.0, 3.0, 2.0, 4.0]), np.array([2.0, 3.0, 2.0, 6.0]))
    assert found.count == 4
    assert found.ratio == pytest.approx((0.5 + 1 + 1 + 2 / 3) / 4)
    assert found.scale == pytest.approx((2 * 1 * 1 * 1.5) ** 0.25)
    assert found.kendall == pytest.approx(stats.kendalltau([1, 3, 2, 4], [2, 3, 2, 6]).statistic)
    assert found.pearson == pytest.approx(np.corrcoef([1, 3, 2, 4], [2, 3, 2, 6])[0, 1])


@settings(max_examples=50, deadline=None)
@given(PAIRS, st.floats(1e-3, 1e3))
def test_a_factor_of_all_predictions_changes_the_ratio_alone(pairs: Any, factor: float) -> None:
    said, real = np.array(pairs).T
    one, other = agreement(said, real), agreement(factor * said, real)
    assert other.ratio == pytest.approx(factor * one.ratio)
    assert other.scale * factor == pytest.approx(one.scale)
    assert other.error == pytest.approx(one.error, rel=1e-6, abs=1e-9)
    for value in (one.pearson, one.kendall):
        assert value is None or -1 - 1e-9 <= value <= 1 + 1e-9


@settings(max_examples=20, deadline=None)
@given(st.lists(SECONDS, min_size=2, max_size=20), st.floats(1e-3, 1e3))
def test_what_is_proportional_has_no_error(real: Any, factor: float) -> None:
    found = agreement(factor * np.array(real), np.array(real))
    assert found.error == pytest.approx(0, abs=1e-9)
    assert found.ratio == pytest.approx(factor)


def test_correlations_of_equal_latencies_are_unknown_and_not_nan() -> None:
    found = agreement(np.ones(3), np.array([1.0, 2.0, 3.0]))
    assert (found.pearson, found.kendall) == (None, None)


@pytest.mark.parametrize(
    ("said", "real", "words"),
    [
        ([1.0], [1.0], "two networks or more"),
        ([1.0, 0.0], [1.0, 1.0], "finite numbers of seconds above 0"),
        ([1.0, float("nan")], [1.0, 1.0], "finite numbers of seconds above 0"),
        ([1.0, 1.0], [1.0, float("inf")], "finite numbers of seconds above 0"),
    ],
)
def test_latencies_that_are_none_are_refused(said: Any, real: Any, words: str) -> None:
    with pytest.raises(DataError, match=words):
        agreement(np.array(said), np.array(real))
