"""Finite differences: hard contracts and their stated errors, both sides of a barrier, meshes."""

from __future__ import annotations

import dataclasses
import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from heliostat_methods.step_options import (
    BlackScholesMarket,
    LocalVolMarket,
    PiecewiseMarket,
    StepOption,
    down_step,
    price,
    up_step,
)
from heliostat_methods.step_options.grids.finite_difference import price_pde
from heliostat_methods.step_options.grids.mesh import Density, Feature, averaged_step, spread

INF = math.inf
USUAL = BlackScholesMarket(100.0, 0.05, 0.02, 0.3)


def test_a_narrow_corridor_of_ten_years() -> None:
    # a uniform grid gave 1.3138 with a stated error of 1e-4
    option = StepOption("call", 100.0, 10.0, (97.0, 100.0), (0.0, 500.0, 0.0))
    # origin: Talbot inversion with 200 nodes and 440 digits (mpmath)
    found = price_pde(option, USUAL)
    assert found.price == pytest.approx(1.09160907, abs=1e-5)
    assert abs(found.price - 1.09160907) < 3 * found.abs_error_estimate + 1e-8
    assert found.abs_error_estimate < 1e-4
    assert found.gamma_below != found.gamma_above


HARD = {
    "corridor": (StepOption("put", 100.0, 10.0, (97.0, 100.0), (0.0, 500.0, 0.0)), 99.0, 0.3),
    "days": (StepOption("put", 100.0, 0.01, (99.0, 101.0), (50.0, 0.0, 50.0)), 100.0, 0.3),
    "huge rate": (down_step("unit", 90.0, 1.0, 90.0, 1e6), 95.0, 0.3),
    "twelve": (StepOption("call", 100.0, 1.0, tuple(80.0 + 4 * i for i in range(12)),
                          (0.0, 8.0) * 6 + (0.0,)), 101.0, 0.2),
    "fifty years": (StepOption("put", 100.0, 50.0, (60.0,), (0.5, 0.0)), 100.0, 1.0),
    "fifty years up": (StepOption("call", 100.0, 50.0, (60.0,), (0.5, 0.0)), 100.0, 3.0),
    "rising floor": (down_step("put", 100.0, 1.0, 90.0, 5.0, gamma=-0.5), 100.0, 0.05),
    "falling": (down_step("digital", 100.0, 1.0, 90.0, 5.0, gamma=0.5), 100.0, 0.03),
    "drift": (up_step("call", 100.0, 1.0, 110.0, 5.0, gamma=-0.2), 100.0, 0.005),
    "drift of a put": (down_step("put", 100.0, 0.5, 99.0, 30.0, gamma=0.3), 100.0, 0.004),
    "knock-out": (down_step("call", 100.0, 1.0, 90.0, INF), 100.0, 0.3),
    "two walls": (StepOption("put", 100.0, 1.0, (80.0, 130.0), (INF, 0.0, INF)), 100.0, 0.3),
    "inner wall": (StepOption("put", 100.0, 1.0, (80.0, 90.0, 95.0), (0.0, INF, 5.0, 0.0)), 100.0,
                   0.3),
    "wall against drift": (down_step("call", 100.0, 1.0, 90.0, INF, gamma=-0.3), 100.0, 0.02),
    "accrual": (StepOption("call", 100.0, 1.0, (90.0,), (-3.0, 0.0), allow_accrual=True), 88.0,
                0.3),
    "quiet": (down_step("call", 100.0, 1.0, 90.0, 5.0), 85.0, 0.001),
}  # fmt: skip


@pytest.mark.parametrize("nodes", [1000, 300])
@pytest.mark.parametrize("name", HARD)
def test_hard_contracts_stay_within_what_is_stated(name: str, nodes: int) -> None:
    option, spot, vol = HARD[name]
    market = BlackScholesMarket(spot, 0.05, 0.02, vol)
    exact = price(option, market)
    found = price_pde(option, market, nodes=nodes)
    allowed = 3 * found.abs_error_estimate + exact.abs_error_estimate
    assert abs(found.price - exact.price) <= allowed
    assert abs(found.delta - exact.delta) <= 3 * found.delta_error + 1e-6
    if nodes == 1000 and "drift" not in name:
        assert found.abs_error_estimate < 5e-3


@pytest.mark.parametrize("seed", range(40))
def test_any_contract_stays_within_what_is_stated(seed: int) -> None:
    rng = np.random.default_rng(seed)
    n = int(rng.integers(1, 5))
    maturity, vol = 10 ** rng.uniform(-3, 1.6), 10 ** rng.uniform(-2.5, 0.4)
    s = min(vol * math.sqrt(maturity), 1.5)
    levels = 100 * np.exp(np.sort(rng.uniform(-2, 2, n)) * s + np.arange(n) * 0.03 * s)
    rates = tuple(rng.choice([0.0, 1.0, 5.0, 30.0, 500.0, INF], n + 1))
    gamma, r, q = rng.uniform(-0.4, 0.4, 3)
    kind = ("call", "put", "digital", "unit", "asset")[seed % 5]
    strike = 100 * math.exp(rng.uniform(-1.5, 1.5) * s)
    option = StepOption(kind, strike, maturity, tuple(levels), rates, gamma=gamma)
    market = BlackScholesMarket(100.0 if seed % 3 else float(levels[0]), r, q, vol)
    exact = price(option, market)
    found = price_pde(option, market, nodes=400)
    allowed = 3 * found.abs_error_estimate + exact.abs_error_estimate
    assert abs(found.price - exact.price) <= allowed


@pytest.mark.parametrize("rate", [5.0, 1000.0])
def test_both_sides_of_a_barrier(rate: float) -> None:
    market = BlackScholesMarket(90.0, 0.05, 0.02, 0.3)
    option = down_step("call", 90.0, 1.0, 90.0, rate)
    exact, found = price(option, market), price_pde(option, market)
    for name in ("gamma_below", "gamma_above"):
        assert getattr(found, name) == pytest.approx(getattr(exact, name), rel=1e-3)
    assert found.gamma == pytest.approx((found.gamma_below + found.gamma_above) / 2)
    assert "gamma_below" in found.details["at_barrier"]
    assert "delta_below" not in found.sensitivities
    beside = price_pde(option, dataclasses.replace(market, spot=90.01))
    assert "at_barrier" not in beside.details and "gamma_below" not in beside.sensitivities


def test_both_sides_of_a_wall() -> None:
    market = BlackScholesMarket(90.0, 0.05, 0.02, 0.3)
    for option, dead in (
        (down_step("call", 100.0, 1.0, 90.0, INF), "below"),
        (up_step("put", 100.0, 1.0, 90.0, INF), "above"),
    ):
        exact, found = price(option, market), price_pde(option, market)
        assert found.price == 0 and found.abs_error_estimate < 1e-6
        assert found.sensitivities[f"delta_{dead}"] == 0
        for name in ("delta_below", "delta_above", "gamma_below", "gamma_above"):
            assert getattr(found, name) == pytest.approx(getattr(exact, name), rel=1e-4, abs=1e-9)
        assert found.delta == pytest.approx((found.delta_below + found.delta_above) / 2)


def test_intervals_without_a_charge_open_a_wall() -> None:
    market = PiecewiseMarket(100.0, (0.3, 0.7), (0.02, 0.05, 0.07), (0.0, 0.03, 0.01),
                             (0.2, 0.35, 0.25), (1.0, 0.0, 2.0))  # fmt: skip
    for rates in ((INF, 0.0, 4.0), (0.0, INF, 4.0), (3.0, 0.0, INF)):
        option = StepOption("call", 100.0, 1.0, (80.0, 120.0), rates)
        exact = price(option, market, method="path_integral_grid", slices=6)
        found = price_pde(option, market)
        allowed = 3 * found.abs_error_estimate + exact.abs_error_estimate
        assert abs(found.price - exact.price) <= allowed < 1e-4


@pytest.mark.parametrize("gamma, rates", [
    ((0.05, -0.05, 0.0), (50.0, 0.0, 5.0, INF)), ((-0.1, 0.1, 0.0), (0.0, 500.0, 0.0, 3.0)),
], ids=str)  # fmt: skip
def test_barriers_that_grow_apart_carry_the_mesh(
    gamma: tuple[float, ...], rates: tuple[float, ...]
) -> None:
    option = StepOption("call", 100.0, 1.0, (90.0, 101.0, 125.0), rates, gamma=gamma)
    coarse = price_pde(option, USUAL, nodes=400)
    fine = price_pde(option, USUAL, nodes=1600)
    assert abs(coarse.price - fine.price) <= coarse.abs_error_estimate + fine.abs_error_estimate
    assert fine.details["observed_order"] == pytest.approx(2.0, abs=0.05)
    # growing apart by nothing is growing together
    same = dataclasses.replace(option, gamma=(0.02, 0.02, 0.02 + 1e-13))
    together = dataclasses.replace(option, gamma=0.02)
    assert isinstance(same.gamma, tuple)
    assert price_pde(same, USUAL, nodes=400).price == pytest.approx(
        price(together, USUAL).price, abs=1e-4
    )


def test_a_flat_surface_is_black_scholes() -> None:
    for vol in (0.3, 0.03):
        surface = LocalVolMarket.from_function(
            100.0, 0.05, 0.02, lambda s, t, v=vol: v + 0 * s * t, horizon=1.0, low=2.0, high=7.0
        )
        option = StepOption("put", 100.0, 1.0, (90.0, 97.0, 120.0), (30.0, 5.0, 0.0, INF))
        exact = price(option, BlackScholesMarket(100.0, 0.05, 0.02, vol))
        found = price_pde(option, surface, nodes=300)
        assert abs(found.price - exact.price) <= 3 * found.abs_error_estimate
        assert found.abs_error_estimate < 1e-3


features = st.lists(
    st.builds(Feature, st.floats(-3, 3), st.floats(1e-4, 1.0)), min_size=0, max_size=4
)


@settings(max_examples=40, deadline=None)
@given(features, st.lists(st.floats(-4, 4), min_size=2, max_size=5, unique_by=lambda x: round(x, 1))
       .map(sorted), st.integers(40, 400))  # fmt: skip
def test_grids_of_one_density_are_nested_and_end_at_the_pieces(
    places: list[Feature], ends: list[float], nodes: int
) -> None:
    density = Density(0.5, tuple(places))
    two, four = (spread(density, ends, nodes, level) for level in (2, 4))
    for coarse, fine in zip(two, four, strict=True):
        assert coarse[0] == 0 and coarse[-1] == 1 and len(coarse) >= 5
        assert (np.diff(fine) > 0).all()
        np.testing.assert_allclose(fine[::2], coarse, atol=1e-12)
    for (a, b), f in zip(itertools.pairwise(ends), four, strict=True):
        counts = density.upto(a + (b - a) * f)
        np.testing.assert_allclose(np.diff(counts), np.diff(counts).mean(), rtol=1e-6)


@settings(max_examples=60, deadline=None)
@given(st.floats(-2, 2), st.floats(-3, 3), st.floats(0.05, 1.0))
def test_a_step_is_averaged_over_cell_and_time(start: float, end: float, width: float) -> None:
    low, high = np.array([0.0]), np.array([width])
    found = averaged_step(low, high, start, low, high, end)[0]
    at = np.linspace(start, end, 20_001)
    at = (at[1:] + at[:-1]) / 2
    expected = np.clip((width - at) / width, 0.0, 1.0).mean()
    assert found == pytest.approx(expected, abs=1e-6)
