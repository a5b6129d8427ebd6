"""Bound states and continuum of any staircase: against closed forms, the resolvent and laplace."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from heliostat_methods.step_options import (
    BlackScholesMarket,
    InvalidInput,
    PricingKernel,
    StepOption,
    Unsupported,
    double_step,
    price,
)
from heliostat_methods.step_options.closed_form.spectral import (
    PARTS,
    bound_states,
    staircase_kernel,
    step_kernel,
    well_kernel,
)
from heliostat_methods.step_options.closed_form.staircase_states import staircase_states

UNIT = BlackScholesMarket(1.0, 0.0, 0.0, 1.0)
WELLS = ((-0.3, 0.4, 0.5, 1.3), (9.0, 0.0, 14.0, 2.0, 7.0))
"""Two unlike wells with a thin wall between them: breaks and potential."""


def quadrature(breaks: tuple[float, ...], reach: float) -> tuple[np.ndarray, np.ndarray]:
    x, w = np.polynomial.legendre.leggauss(40)
    edges = np.concatenate([
        np.linspace(breaks[0] - reach, breaks[0], 9),
        *(np.linspace(a, b, 4)[1:] for a, b in itertools.pairwise(breaks)),
        np.linspace(breaks[-1], breaks[-1] + reach, 9)[1:],
    ])  # fmt: skip
    width = np.diff(edges)[:, None]
    return (edges[:-1, None] + width * (x + 1) / 2).ravel(), (width * w / 2).ravel()


def test_energies_of_a_symmetric_well_are_those_of_its_closed_form() -> None:
    a = 0.971015631563402
    expected = [1.01800114965808, 4.05460833331159, 9.04937286579590, 15.8614337578598,
                24.1069234047509]  # roots of k tan(k a) = q, -k cot(k a) = q  # fmt: skip
    states = staircase_states((0.0, 2 * a), (30.0, 0.0, 30.0))
    assert [s.energy for s in states] == pytest.approx(expected, rel=1e-13)
    z = np.linspace(-2, 2, 41)
    for state, closed in zip(states, bound_states(a, 30.0), strict=True):
        np.testing.assert_allclose(np.abs(state(z + a)), np.abs(closed(z)), atol=1e-13)


def test_energy_of_an_asymmetric_well_solves_its_equation() -> None:
    # k d = n pi - asin(k / sqrt(2 V_left)) - asin(k / sqrt(2 V_right)), Landau-Lifshitz 22, problem
    d, low, high = 1.7, 5.0, 12.0
    states = staircase_states((0.0, d), (low, 0.0, high))
    assert len(states) == 2
    for n, state in enumerate(states, 1):
        k = math.sqrt(2 * state.energy)
        phases = math.asin(k / math.sqrt(2 * low)) + math.asin(k / math.sqrt(2 * high))
        assert k * d == pytest.approx(n * math.pi - phases, rel=1e-13)


def test_states_are_orthonormal() -> None:
    states = staircase_states(*WELLS)
    assert len(states) == 2
    z, dz = quadrature(WELLS[0], 12.0)
    psi = np.array([state(z) for state in states])
    np.testing.assert_allclose((psi * dz) @ psi.T, np.eye(2), atol=1e-11)


def test_a_shallow_asymmetric_well_binds_nothing() -> None:
    # the phases add up to less than pi: k d = pi - asin(..) - pi / 2 has no root below the top
    assert staircase_states((0.0, 0.2), (1.0, 0.0, 30.0)) == []
    assert staircase_states((0.0, 0.2), (0.0, 5.0, 0.0)) == []


def test_high_walls_far_apart_do_not_overflow() -> None:
    deep = staircase_states((0.0, 1.0, 4.0, 4.7), (1e6, 0.0, 1e6, 0.0, 1e6))
    z, dz = quadrature((0.0, 1.0, 4.0, 4.7), 0.1)
    psi = deep[0](z)
    assert np.sum(dz * psi * psi) == pytest.approx(1.0, rel=1e-6)
    # nearly a box of width 1: pi^2 / 2, softened by the penetration depth
    depth = 1 / math.sqrt(2e6)
    assert deep[0].energy == pytest.approx(math.pi**2 / 2 / (1 + 2 * depth) ** 2, rel=1e-5)


def test_twin_wells_that_floats_cannot_tell_apart_are_refused() -> None:
    with pytest.raises(Unsupported, match="laplace"):
        staircase_states((0.0, 1.0, 4.0, 5.0), (400.0, 0.0, 400.0, 0.0, 400.0))


@pytest.mark.parametrize("parts", PARTS)
def test_general_kernel_is_that_of_the_symmetric_well(parts: str) -> None:
    a, z = 0.7, np.linspace(-2, 2, 17)
    general = staircase_kernel(z + a, z + a, 0.6, (0.0, 2 * a), (12.0, 0.0, 12.0), parts)
    np.testing.assert_allclose(general, well_kernel(z, z, 0.6, a, 12.0, parts), atol=1e-12)


def test_general_kernel_is_that_of_the_step() -> None:
    z = np.linspace(-2, 2, 17)
    general = staircase_kernel(z, z, 0.7, (0.0,), (3.0, 0.0))
    np.testing.assert_allclose(general, step_kernel(z, z, 0.7, 3.0), atol=1e-12)


@pytest.mark.parametrize("t", [0.05, 0.3, 1.5])
def test_states_and_continuum_make_the_whole_kernel(t: float) -> None:
    z = np.linspace(-1.5, 2.5, 13)
    levels = tuple(math.exp(b - WELLS[0][0]) for b in WELLS[0])
    kernel = PricingKernel(StepOption("unit", 1.0, 1.0, levels, WELLS[1]), UNIT)
    whole = kernel.density(z[:, None] - WELLS[0][0], z[None, :] - WELLS[0][0], t)
    parts = [staircase_kernel(z, z, t, *WELLS, part) for part in ("bound", "continuum")]
    np.testing.assert_allclose(parts[0] + parts[1], whole, atol=1e-11)
    assert np.abs(parts[1]).max() > 1e-6


def test_continuum_is_orthogonal_to_the_bound_states() -> None:
    z, dz = quadrature(WELLS[0], 12.0)
    at = np.array([-0.1, 0.45, 0.9])
    continuum = staircase_kernel(at, z, 0.8, *WELLS, "continuum")
    for state in staircase_states(*WELLS):
        np.testing.assert_allclose(continuum @ (dz * state(z)), 0.0, atol=1e-11)


rate = st.one_of(st.just(0.0), st.floats(0.1, 60.0))


@settings(max_examples=40, deadline=None, derandomize=True)
@given(
    widths=st.lists(st.floats(0.03, 0.4), min_size=1, max_size=4),
    rates=st.lists(rate, min_size=6, max_size=6),
    spot=st.floats(70.0, 140.0),
    maturity=st.floats(0.05, 3.0),
    kind=st.sampled_from(["call", "put", "digital"]),
)
def test_spectral_price_is_the_closed_form(
    widths: list[float], rates: list[float], spot: float, maturity: float, kind: str
) -> None:
    barriers = tuple(80.0 * math.exp(x) for x in itertools.accumulate([0.0, *widths]))
    option = StepOption(kind, 100.0, maturity, barriers, tuple(rates[: len(barriers) + 1]),
                        gamma=0.02)  # fmt: skip
    market = BlackScholesMarket(spot, 0.04, 0.01, 0.25)
    found, exact = price(option, market, method="spectral"), price(option, market)
    scale = 1.0 if kind == "digital" else 100.0
    assert found.price == pytest.approx(exact.price, rel=1e-9, abs=1e-12 * scale)


def test_bound_states_alone_are_an_ablation_of_any_staircase() -> None:
    # AM01 of the reference prices, 2.448677530612 with the continuum
    option = StepOption("call", 105.0, 0.75, (85.0, 125.0), (3.0, 0.0, 12.0), gamma=0.02)
    market = BlackScholesMarket(100.0, 0.04, 0.01, 0.25)
    alone = price(option, market, method="spectral", parts="bound")
    assert alone.method == "spectral (bound only)"
    assert alone.details["bound_states"] == 1
    rest = price(option, market, method="spectral", parts="continuum")
    assert alone.price + rest.price == pytest.approx(2.448677530612, rel=1e-6)
    assert abs(rest.price) > 0.01


def test_flux_through_a_thick_wall() -> None:
    kernel = PricingKernel(
        StepOption("unit", 1.0, 1.0, (1.0, 2.0, 1e30), (1.0, 900.0, 3.0, 2.0)), UNIT
    )
    energy = np.linspace(3.5, 30.0, 7)
    passed = kernel.transmission(energy)
    np.testing.assert_allclose(passed + kernel.reflection(energy), 1.0, rtol=1e-12)
    assert (passed > 0).all() and (passed < 1e-20).all()


def test_reflection_below_the_top_is_refused() -> None:
    kernel = PricingKernel(StepOption("unit", 1.0, 1.0, (1.0, 2.0), (1.0, 0.0, 3.0)), UNIT)
    with pytest.raises(InvalidInput, match="energies above 3"):
        kernel.reflection(2.0)
    assert kernel.reflection(3.0 + 1e-9) == pytest.approx(1.0, abs=1e-3)


def test_a_deep_well_is_summed_over_states_that_count() -> None:
    deep = double_step("call", 100.0, 1.0, (80.0, 125.0), 1e12)
    market = BlackScholesMarket(100.0, 0.05, 0.02, 0.3)
    found = price(deep, market, method="spectral")
    assert found.price == pytest.approx(price(deep, market).price, rel=1e-9)
    # half-width times depth over pi / 2, from the closed form of the well
    assert found.details["bound_states"] == 669666


def test_states_beyond_an_energy_are_left_out_and_no_other() -> None:
    found = [state.energy for state in bound_states(0.7, 200.0)]
    low = [state.energy for state in bound_states(0.7, 200.0, highest=50.0)]
    assert low == found[: len(low)]
    assert all(energy > 50.0 for energy in found[len(low) :]) and len(low) < len(found)


def test_a_potential_with_more_states_than_can_be_found_is_refused_at_once() -> None:
    deep = double_step("call", 100.0, 1.0, (80.0, 125.0), (1e12, 2e12))
    with pytest.raises(Unsupported, match=r"at most 10000 bound states.*method=.laplace"):
        price(deep, BlackScholesMarket(100.0, 0.05, 0.02, 0.3), method="spectral")
