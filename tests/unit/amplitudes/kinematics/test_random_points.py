"""Random points are legal over every field, come from the generator alone, and have no pole."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from heliostat_methods.amplitudes.currents.theories import amplitude
from heliostat_methods.amplitudes.kinematics.ads_point import AdSPoint
from heliostat_methods.amplitudes.kinematics.gram_point import GramPoint
from heliostat_methods.amplitudes.kinematics.random_points import (
    random_ads_point,
    random_gram_point,
)

FIELDS = ("rational", "flint", "gf", "gf:101", "float64", "complex128", "mpmath:30")


@pytest.mark.parametrize("field", FIELDS)
@settings(max_examples=10, deadline=None, derandomize=True)
@given(n=st.integers(3, 8), seed=st.integers(0, 2**32 - 1))
def test_points_are_legal(field: str, n: int, seed: int) -> None:
    if field == "flint":
        pytest.importorskip("flint", reason="python-flint is not installed")
    point = random_gram_point(n, np.random.default_rng(seed), field)
    assert point == GramPoint(point.kk, point.ek, point.ee, point.field)
    assert point == random_gram_point(n, np.random.default_rng(seed), field)
    if n < 6:
        amplitude("bas", point)  # no pole of this order is met
    there = random_ads_point(n, np.random.default_rng(seed), field)
    assert there == AdSPoint(there.norms, there.planar_norms, there.ek, there.ee, there.field)


def test_rational_numbers_are_small() -> None:
    point = random_gram_point(6, np.random.default_rng(0), size=3)
    for row in point.ee:
        assert all(abs(x.numerator) <= 3 and x.denominator <= 3 for x in row)


def test_two_seeds_give_two_points() -> None:
    one, other = (random_gram_point(5, np.random.default_rng(seed), "gf") for seed in (0, 1))
    assert one != other


def test_what_has_no_point_is_refused() -> None:
    rng = np.random.default_rng(0)
    with pytest.raises(ValueError, match="n: 2, expected at least 3 legs"):
        random_gram_point(2, rng)
    with pytest.raises(ValueError, match="size: 0, expected a whole number from 1"):
        random_gram_point(4, rng, size=0)
    with pytest.raises(ValueError, match="no point of 12 legs without a pole found"):
        random_gram_point(12, rng, "gf:3")
    with pytest.raises(ValueError, match="n: 2, expected at least 3 legs"):
        random_ads_point(2, rng)
