"""Precision, recall, density, coverage beside a direct reading of their definitions."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from heliostat_methods.strokegan.metrics.neighbourhoods import Neighbourhoods, neighbourhoods

MANY = settings(deadline=None, derandomize=True, max_examples=60)


def by_definition(real, fake, k):
    """Return the four shares, one pair of points at a time."""

    def reach(points):
        return [sorted(np.linalg.norm(p - q) for q in points)[k] for p in points]

    balls = list(zip(real, reach(real), strict=True))
    others = list(zip(fake, reach(fake), strict=True))

    def held(point, centres):
        return [np.linalg.norm(point - c) < r for c, r in centres]

    return Neighbourhoods(
        precision=np.mean([any(held(p, balls)) for p in fake]),
        recall=np.mean([any(held(p, others)) for p in real]),
        density=np.mean([sum(held(p, balls)) for p in fake]) / k,
        coverage=np.mean([any(np.linalg.norm(p - c) < r for p in fake) for c, r in balls]),
    )


@MANY
@given(
    seed=st.integers(0, 2**32 - 1), n=st.integers(4, 12), m=st.integers(4, 12),
    d=st.integers(1, 3), k=st.integers(1, 3), power=st.sampled_from([-320, -150, 0, 300]),
)  # fmt: skip
def test_they_are_as_defined(seed, n, m, d, k, power):
    rng = np.random.default_rng(seed)
    # few different values, so that there are ties and copies
    real, fake = rng.integers(0, 5, (n, d)).astype(float), rng.integers(0, 5, (m, d)).astype(float)
    found = neighbourhoods(real * 10.0**power, fake * 10.0**power, k)
    expected = by_definition(real, fake, k)
    if power == 0:
        assert found == expected
    else:
        assert 0 <= found.precision <= 1 and 0 <= found.coverage <= 1


def test_outputs_that_are_the_truth_have_one_everywhere():
    real = np.random.default_rng(0).normal(size=(40, 6))
    assert neighbourhoods(real, real) == Neighbourhoods(1.0, 1.0, 1.0, 1.0)


def test_a_collapsed_generator_is_precise_and_covers_nothing():
    real = np.random.default_rng(0).normal(size=(60, 2))
    found = neighbourhoods(real, np.repeat(real[:1], 60, axis=0) + 1e-6)
    assert (found.precision, found.recall) == (1.0, 0.0)
    assert found.coverage < 0.3


def test_clouds_far_apart_have_nothing():
    real = np.random.default_rng(0).normal(size=(20, 3))
    assert neighbourhoods(real, real + 100) == Neighbourhoods(0.0, 0.0, 0.0, 0.0)


def test_too_few_points_and_no_neighbours_are_refused():
    with pytest.raises(ValueError, match="x: 5 samples, expected at least 6"):
        neighbourhoods(np.zeros((5, 2)), np.zeros((9, 2)))
    with pytest.raises(ValueError, match="k: 0, expected at least 1"):
        neighbourhoods(np.zeros((5, 2)), np.zeros((9, 2)), 0)
