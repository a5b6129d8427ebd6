"""Four gluons of positive helicity: the coefficient exactly, the integral by sampling."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from heliostat_methods.amplitudes.fields.residue_arrays import inverse
from heliostat_methods.amplitudes.helicity.references import default_reference
from heliostat_methods.amplitudes.kinematics.four_vector_point import FourVectorPoint
from heliostat_methods.amplitudes.kinematics.spinors import spinor_points
from heliostat_methods.amplitudes.loops.adaptive_grid import AdaptiveGrid
from heliostat_methods.amplitudes.loops.all_plus import (
    RATIONAL_TERM,
    AllPlusLegs,
    box_coefficient,
    known_box_coefficient,
    massive_box,
)
from heliostat_methods.amplitudes.loops.finite_combination import FiniteCombination
from heliostat_methods.amplitudes.loops.sampling import (
    estimate,
    fitted_rate,
    integral,
    integrate,
    refined_grid,
    sample_block,
)


def stream(*name: int) -> np.random.Generator:
    return np.random.default_rng([11, *name])


@pytest.mark.parametrize("seed", range(3))
def test_the_boxs_coefficient_is_known_exactly(seed):
    spinors = spinor_points(1, 4, np.random.default_rng(seed), "gf")
    prime = spinors.prime
    point = spinors.point("++++", default_reference(spinors))
    above = spinors.squares(0, 1) * spinors.squares(2, 3) % prime
    below = spinors.angles(0, 1) * spinors.angles(2, 3) % prime
    # without the sqrt2 of four polarisations the factor 4 is gone
    known = above * inverse(below, prime) % prime
    for along in (1, 12345):
        assert int(box_coefficient(point, spinors, along)) == known[0]


def test_the_same_in_floats_and_in_the_literatures_form():
    legs = AllPlusLegs(energy=2.5, angle=0.7)
    point = FourVectorPoint(legs.momenta, legs.polarisations)
    found = box_coefficient(point, legs.spinors, 0.4)
    known = known_box_coefficient(legs.spinors)[0]
    assert found == pytest.approx(known, rel=1e-10)
    angles, squares = legs.spinors.angles, legs.spinors.squares
    s_t = angles(0, 1) * squares(0, 1) * angles(1, 2) * squares(1, 2)
    round_ = angles(0, 1) * angles(1, 2) * angles(2, 3) * angles(3, 0)
    assert known == pytest.approx((-4 * s_t / round_)[0], rel=1e-10)


@pytest.mark.parametrize("mass", (0.7, 1.0, 2.0))
def test_rings_less_the_box_integrate_to_the_rational_term(mass):
    found = integrate(FiniteCombination(AllPlusLegs(), mass), stream, samples=2048, blocks=16)
    one = found.estimate
    assert one.error < 2e-3
    assert abs(one.value.real - RATIONAL_TERM) < 4 * one.error
    assert abs(one.value.imag) < 4 * one.imaginary_error
    assert -0.6 < found.rate < -0.4


def test_rings_of_a_massive_scalar_are_the_known_amplitude():
    legs, mass = AllPlusLegs(reference=(1.0, 0.5j)), 0.8
    found = integrate(FiniteCombination(legs, mass, box=False), stream, samples=2048, blocks=16)
    known = RATIONAL_TERM + mass**4 * massive_box(legs, mass)
    assert abs(found.estimate.value.real - known) < 4 * found.estimate.error


@settings(max_examples=10, deadline=None)
@given(st.floats(-100, 100), st.floats(-0.2, 2.99), st.floats(0.1, 3.04), st.integers(0, 2**32 - 1))
def test_the_whole_range_of_settings_integrates(power, heavier, angle, seed):
    energy = 10.0**power
    reference = tuple(np.random.default_rng(seed).normal(size=4).view(complex))
    legs = AllPlusLegs(energy, angle, reference)
    integrand = FiniteCombination(legs, energy * max(10.0**heavier, 0.6))
    found = integrate(integrand, stream, samples=512, blocks=4, refinements=3, refining_blocks=2)
    one = found.estimate
    assert abs(one.value.real - RATIONAL_TERM) < 6 * one.error + 1e-6


def test_a_heavy_box_is_a_sixth():
    assert massive_box(AllPlusLegs(), 100.0) * 1e8 == pytest.approx(1 / 6, rel=1e-3)


def test_blocks_have_the_same_bits_with_any_workers():
    integrand = FiniteCombination(AllPlusLegs(), 1.0)
    alone = integrate(integrand, stream, samples=512, blocks=4, refinements=2, refining_blocks=2)
    with ThreadPoolExecutor(2) as pool:
        grid = AdaptiveGrid.uniform(4)
        for turn in range(3):
            count = 4 if turn == 2 else 2
            made = list(
                pool.map(lambda b, t=turn, g=grid: sample_block(integrand, g, stream(t, b), 512),
                         range(count))
            )  # fmt: skip
            grid = refined_grid(grid, made) if turn < 2 else grid
    assert integral(made, grid).estimate == alone.estimate
    assert np.array_equal(grid.bounds, alone.grid.bounds)


class _Peak:
    dimensions = 2

    def __call__(self, cube):
        return np.exp(-200 * ((cube - 0.3) ** 2).sum(1))


def test_the_grid_finds_a_peak():
    flat = estimate([sample_block(_Peak(), AdaptiveGrid.uniform(2), stream(0), 8000)])
    adapted = integrate(_Peak(), stream, samples=1000, blocks=8)
    exact = np.pi / 200
    assert adapted.estimate.error < flat.error / 3
    assert abs(adapted.estimate.value.real - exact) < 4 * adapted.estimate.error


@pytest.mark.parametrize("damping", (0.0, 0.5, 1.0))
def test_a_grid_stays_a_grid(damping):
    rng = np.random.default_rng(0)
    grid = AdaptiveGrid.uniform(3, 16)
    for shares in (np.zeros((3, 16)), rng.random((3, 16)) ** 40, np.eye(3, 16) * 1e300):
        grid = grid.refined(shares, damping)
        assert np.all(np.diff(grid.bounds) > 0)
        assert np.all(grid.bounds[:, 0] == 0) and np.all(grid.bounds[:, -1] == 1)
    points, weights, _ = grid.mapped(rng.random((20000, 3)))
    assert np.all((points >= 0) & (points <= 1))
    # the mean weight is the cube's volume
    assert weights.mean() == pytest.approx(1, abs=6 * weights.std() / 20000**0.5 + 1e-12)


def test_what_is_none_is_named():
    with pytest.raises(
        ValueError, match=r"mass: 0\.4, expected 0\.6 to 1000: below half the legs'"
    ):
        FiniteCombination(AllPlusLegs(), 0.4)
    with pytest.raises(ValueError, match="energy: -1, expected a positive number"):
        AllPlusLegs(energy=-1)
    with pytest.raises(ValueError, match=r"angle: 4, expected 0\.1 to pi - 0\.1"):
        AllPlusLegs(angle=4)

    with pytest.raises(ValueError, match=r"reference: .* expected two numbers that are not 0"):
        AllPlusLegs(reference=(0, 0))
    with pytest.raises(ValueError, match=r"mass: 0, expected a number from 0\.3"):
        massive_box(AllPlusLegs(), 0)

    class Bad(_Peak):
        def __call__(self, cube):
            return np.where(cube[:, 0] > 0.5, np.nan, 1.0)

    with pytest.raises(ValueError, match=r"integrand at \[.*\]: .*nan.*, expected a number"):
        sample_block(Bad(), AdaptiveGrid.uniform(2), stream(0), 50)
    assert np.isnan(fitted_rate([1], [0.1]))
    assert fitted_rate([1, 4, 16], [1.0, 0.5, 0.25]) == pytest.approx(-0.5)
