"""Bridge weights: numbers of many digits, the interpolation against the transform itself."""

from __future__ import annotations

import math

import numpy as np
import pytest

from heliostat_methods.step_options import BridgeWeightTable, OccupationDensity
from heliostat_methods.step_options.weights.bridge import opposite_sides

# z, z', theta, W. Origin: quadrature of the joint density of local and occupation time; inversion
# of the resolvent with 60 digits (mpmath) agrees to 1e-13.
WEIGHTS = [
    (0, 0, 2, 0.4323323583817), (0.6, 0, 2, 0.6609195963236), (0.3, 0.5, 1, 0.8730763259038),
    (0.5, 1.5, 100, 0.8334462479550), (0.3, -0.5, 1, 0.5811546664729),
    (2, 1, 5, 0.9970336033789), (-0.2, -0.7, 3, 0.0935498827434), (-2, 1, 5, 0.0481217507058),
    (1.5, -0.1, 10, 0.3982112051959), (0.7, 0.2, 0.01, 0.9985764404038),
    (0.05, 2.5, 0.5, 0.9792424215106), (-1, -1, 8, 0.0004477095459),
    (-1.2, 0.4, 0.25, 0.8408351112025), (0.25, -0.25, 4, 0.2277529857920),
]  # fmt: skip


@pytest.mark.parametrize("z, z_next, theta, expected", WEIGHTS)
def test_weights_are_those_of_the_resolvent(
    z: float, z_next: float, theta: float, expected: float
) -> None:
    table = BridgeWeightTable.build(theta)
    assert table.weight(z, z_next) == pytest.approx(expected, abs=2e-12)
    assert table.weight(z_next, z) == pytest.approx(expected, abs=2e-12)
    quadrature = OccupationDensity(1.0).kernel(z, z_next, lambda tau: np.exp(-theta * tau))
    phi = math.exp(-((z - z_next) ** 2) / 2) / math.sqrt(2 * math.pi)
    assert quadrature / phi == pytest.approx(expected, abs=1e-11)


@pytest.mark.parametrize("theta", [1e-4, 1e-2, 0.3, 2.0, 20.0, 29.9, 30.1, 1e2, 1e3])
def test_tables_are_accurate_to_1e_9(theta: float) -> None:
    rng = np.random.default_rng(5)
    n = 300
    z = rng.uniform(-4, 4, n) * rng.choice([1.0, 0.1, 0.01], n)
    z_next = z + rng.standard_normal(n) * rng.choice([1.0, 0.1, 2.0], n)
    u = np.maximum(z, 0) + np.maximum(z_next, 0)
    v = np.maximum(-z, 0) + np.maximum(-z_next, 0)
    exact = np.array([opposite_sides([a], [b], theta)[0, 0] for a, b in zip(u, v, strict=True)])
    e = np.exp(-2 * z * z_next)
    up, down = (z > 0) & (z_next > 0), (z < 0) & (z_next < 0)
    exact = np.where(up, 1 - e * (1 - exact), exact)
    exact = np.where(down, math.exp(-theta) * (1 - e) + e * exact, exact)
    found = BridgeWeightTable.build(theta).weight(z, z_next)
    assert np.abs(found - exact).max() < 1e-9


def test_a_bridge_spends_uniform_time_below_zero() -> None:
    for theta in (1e-4, 1.0, 50.0):
        expected = -math.expm1(-theta) / theta
        assert BridgeWeightTable.build(theta).weight(0, 0) == pytest.approx(expected, rel=1e-11)


def test_no_charge_weighs_nothing() -> None:
    z = np.linspace(-2, 2, 9)
    found = BridgeWeightTable.build(0.0).weight(z[:, None], z[None, :])
    np.testing.assert_allclose(found, 1.0, atol=1e-11)


def test_infinite_rate_is_the_knock_out_bridge() -> None:
    table = BridgeWeightTable.build(math.inf)
    assert table.weight(0.5, 0.7) == pytest.approx(-math.expm1(-0.7), rel=1e-15)
    assert table.weight(0.5, -0.1) == 0 and table.weight(-0.5, -0.1) == 0


@pytest.mark.parametrize("z, z_next", [(0.3, 0.9), (-0.4, -1.1), (0.7, -0.3), (-0.2, 1.3)])
def test_slopes_are_those_of_the_weight(z: float, z_next: float) -> None:
    table, h = BridgeWeightTable.build(3.0), 1e-4
    bump = (table.weight(z + h, z_next + h) - table.weight(z - h, z_next - h)) / (2 * h)
    assert table.shifted(z, z_next) == pytest.approx(bump, abs=1e-6)


def test_huge_rates_do_not_overflow() -> None:
    table = BridgeWeightTable.build(1e12)
    found = table.weight(np.array([1.0, 1.0, -1.0, 0.0]), np.array([0.5, -0.5, -0.5, 0.0]))
    np.testing.assert_allclose(found, [-math.expm1(-1.0), 0, 0, 1e-12], atol=1e-5)
