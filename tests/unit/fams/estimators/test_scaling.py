"""Columns of any size are scaled by one class, for all estimators alike."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from heliostat_methods.fams.estimators.scaling import Scaling, unscaled

LARGE = np.finfo(np.float64).max


def column(*values: float) -> Any:
    return np.array(values, float)[:, None]


def test_training_rows_have_mean_0_and_deviation_1() -> None:
    x = np.random.default_rng(0).normal(3, 7, (50, 2))
    scaled = Scaling.of(x)(x)
    np.testing.assert_allclose(scaled.mean(0), 0, atol=1e-14)
    np.testing.assert_allclose(scaled.std(0), 1, rtol=1e-14)


def test_a_weight_is_a_row_that_stands_there_as_often() -> None:
    x = column(0, 1, 5)
    weighted, repeated = Scaling.of(x, np.array([2.0, 1.0, 3.0])), Scaling.of(x[[0, 0, 1, 2, 2, 2]])
    np.testing.assert_allclose(weighted.centre, repeated.centre, rtol=1e-14)
    np.testing.assert_allclose(weighted.scale, repeated.scale, rtol=1e-14)


@pytest.mark.parametrize("unit", [1e-200, 1.0, 2.0**40, 1e300])
def test_a_unit_changes_nothing(unit: float) -> None:
    x = column(0, 1, 5, -3)
    np.testing.assert_allclose(Scaling.of(unit * x)(unit * x), Scaling.of(x)(x), rtol=1e-12)


@pytest.mark.parametrize("value", [0.0, 0.1, -3.0, 1e-300, 5e-324, LARGE, -LARGE])
def test_a_column_of_one_value_is_0_in_new_rows_as_well(value: float) -> None:
    scaling = Scaling.of(column(*[value] * 7), np.linspace(0.1, 1, 7))
    assert scaling(column(value, 0.0, 7.0, -LARGE)).tolist() == [[0], [0], [0], [0]]


def test_rounding_is_no_deviation() -> None:
    noisy = 0.1 + np.array([0, 1, 2, 3]) * 2e-17
    assert (Scaling.of(column(*noisy))(column(*noisy)) == 0).all()


def test_outliers_are_held_to_five_deviations() -> None:
    assert Scaling.of(column(0, 1))(column(1e9, -LARGE, LARGE)).ravel().tolist() == [5, -5, 5]


@settings(max_examples=60, deadline=None)
@given(
    arrays(np.float64, (4, 2), elements=st.floats(allow_nan=False, allow_infinity=False)),
    arrays(np.float64, (2, 2), elements=st.floats(allow_nan=False, allow_infinity=False)),
    arrays(np.float64, 4, elements=st.sampled_from([1e-200, 0.5, 1.0, 3.0])),
)
def test_any_finite_numbers_become_numbers_up_to_5_in_the_same_order(
    trained: Any, new: Any, weights: Any
) -> None:
    with np.errstate(all="raise", under="ignore"):
        scaling = Scaling.of(trained, weights)
        found = scaling(np.concatenate([trained, new]))
    assert (np.abs(found) <= 5).all()
    for before, after in zip(np.concatenate([trained, new]).T, found.T, strict=True):
        order = np.argsort(before, kind="stable")
        assert (np.diff(after[order]) >= 0).all()


def test_what_is_not_scaled_may_not_be_large() -> None:
    assert unscaled(column(1e6)).tolist() == [[1e6]]
    with pytest.raises(ValueError, match=r"X, row 1 holds a number beyond 1e\+06; scale it, or"):
        unscaled(column(0, -2e6))
