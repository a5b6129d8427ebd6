"""Weights from the resolvent itself: known numbers, walls by images, any length; tables."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from heliostat_methods.step_options import BridgeWeightTable
from heliostat_methods.step_options.weights.lines import exact_weights
from heliostat_methods.step_options.weights.staircase import StaircaseWeightTable

INF = math.inf


def one(z: float, z_next: float, breaks: tuple[float, ...], rates: tuple[float, ...]) -> float:
    return float(exact_weights(np.array([z]), np.array([z_next]), breaks, rates)[0, 0])


# Origin: as in test_bridge, quadrature of the joint density of local and occupation time
@pytest.mark.parametrize("z, z_next, theta, expected", [
    (0, 0, 2, 0.4323323583817), (0.6, 0, 2, 0.6609195963236), (0.5, 1.5, 100, 0.8334462479550),
    (0.3, -0.5, 1, 0.5811546664729), (-2, 1, 5, 0.0481217507058),
    (-1, -1, 8, 0.0004477095459), (0.25, -0.25, 4, 0.2277529857920),
])  # fmt: skip
def test_one_barrier(z: float, z_next: float, theta: float, expected: float) -> None:
    for a, b in ((z, z_next), (z_next, z)):
        assert one(a, b, (0.0,), (theta, 0.0)) == pytest.approx(expected, abs=2e-13)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.floats(-4, 4), min_size=1, max_size=4, unique_by=lambda b: round(b, 2)).map(sorted),
    st.lists(st.floats(0, 40), min_size=5, max_size=5), st.floats(-6, 6), st.floats(-6, 6),
)  # fmt: skip
def test_weights_are_symmetric_bounded_and_split_where_nothing_changes(
    breaks: list[float], rates: list[float], z: float, z_next: float
) -> None:
    walls, charges = tuple(breaks), tuple(rates[: len(breaks) + 1])
    found = one(z, z_next, walls, charges)
    assert found == pytest.approx(one(z_next, z, walls, charges), abs=1e-12)
    assert math.exp(-max(charges)) - 1e-12 <= found <= math.exp(-min(charges)) + 1e-12
    mirrored = one(-z, -z_next, tuple(-b for b in reversed(walls)), charges[::-1])
    assert found == pytest.approx(mirrored, abs=1e-12)
    # a barrier between equal rates is none
    more = one(z, z_next, (*walls, walls[-1] + 0.7), (*charges, charges[-1]))
    assert found == pytest.approx(more, abs=1e-12)


def test_walls_are_those_of_the_images() -> None:
    def corridor(a: float, b: float, width: float) -> float:
        d = b - a
        total = 0.0
        for k in range(-20, 21):
            total += math.exp(-((d + 2 * k * width) ** 2 - d * d) / 2)
            total -= math.exp(-((a + b + 2 * k * width) ** 2 - d * d) / 2)
        return total

    for a, b, width in ((0.3, 1.2, 2.0), (0.01, 0.02, 5.0), (1.0, 1.9, 2.0)):
        found = one(a, b, (0.0, width), (INF, 0.0, INF))
        assert found == pytest.approx(corridor(a, b, width), abs=1e-13)
    assert one(0.3, 1.2, (0.0,), (INF, 0.0)) == pytest.approx(-math.expm1(-0.72), abs=1e-14)
    assert one(-0.3, 1.2, (0.0,), (INF, 0.0)) == 0
    assert one(-0.3, 0.0, (0.0,), (0.0, INF)) < 1e-290
    # what lies behind an inner wall is another world
    apart = ((0.0, 2.0, 4.0), (1.0, INF, 0.0, INF))
    assert one(-1.0, 3.0, *apart) == 0
    assert one(-1.0, -0.5, *apart) == pytest.approx(math.exp(-1) * -math.expm1(-1.0), abs=1e-13)


@pytest.mark.parametrize("length", [40.0, 400.0, 4000.0])
def test_a_long_step_is_straight(length: float) -> None:
    # with a share of 3/4 below; what it wanders adds theta^2 Var / 2 and a layer, both 1 / length^2
    found = one(-0.75 * length, 0.25 * length, (0.0,), (2.0, 0.0))
    assert found == pytest.approx(math.exp(-1.5), rel=1.5 / length**2 + 1e-9)


def test_a_huge_rate_is_nearly_a_wall() -> None:
    hard = one(1.0, 0.5, (0.0,), (INF, 0.0))
    assert one(1.0, 0.5, (0.0,), (1e12, 0.0)) == pytest.approx(hard, abs=2e-6)
    assert one(-1.0, -0.5, (0.0,), (1e12, 0.0)) == 0
    assert one(0.5, 0.5, (0.0,), (-3.0, 0.0)) > 1


@pytest.mark.parametrize("breaks, rates", [
    ((0.0, 1.0), (5.0, 0.0, 5.0)), ((0.0, 8.0), (0.5, 0.0, 0.5)),
    ((0.0, 3.0, 3.3), (2.0, 0.0, 30.0, 1.0)), ((0.0, 1.0), (0.0, 5000.0, 0.0)),
    ((0.0, 1.0, 2.0), (0.0, INF, 0.0, 5.0)), ((0.0, 300.0), (4.0, 1.0, 2.0)),
], ids=str)  # fmt: skip
def test_tables_of_several_barriers_hold_for_every_step_of_a_path(
    breaks: tuple[float, ...], rates: tuple[float, ...]
) -> None:
    rng = np.random.default_rng(6)
    n = 300
    z = rng.choice(breaks, n) + rng.standard_normal(n) * rng.choice([1.0, 0.1, 0.01, 4.0, 30.0], n)
    z_next = z + rng.uniform(-1, 1, n) * rng.choice([8.4, 2.0, 0.5], n)
    exact = np.array([one(a, b, breaks, rates) for a, b in zip(z, z_next, strict=True)])
    off = StaircaseWeightTable.build(breaks, rates).weight(z, z_next) - exact
    assert np.abs(off).max() < 1e-6 and abs(off.mean()) < 5e-9


@pytest.mark.parametrize("theta", [1e-17, 0.3, 20.0, 1e3, INF])
def test_tables_of_one_barrier_hold_for_every_step_of_a_path(theta: float) -> None:
    rng = np.random.default_rng(7)
    z = rng.standard_normal(300) * rng.choice([1.0, 0.1, 5.0], 300)
    z_next = z + rng.uniform(-1, 1, 300) * rng.choice([8.4, 2.0, 0.5], 300)
    exact = [one(a, b, (0.0,), (theta, 0.0)) for a, b in zip(z, z_next, strict=True)]
    np.testing.assert_allclose(BridgeWeightTable.build(theta).weight(z, z_next), exact, atol=1e-9)
