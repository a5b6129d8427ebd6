"""Parameters by intervals: their ends are steps, and the weight of each step is exact."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from step_contracts import DOUBLE, DOWN

from heliostat_methods.step_options import (
    BlackScholesMarket,
    PathSampler,
    PathSettings,
    PiecewiseMarket,
    StepOption,
    price,
)
from heliostat_methods.step_options.contracts.time_plan import averaged, time_plan

MARKET = PiecewiseMarket(100.0, (0.3, 0.7), (0.02, 0.05, 0.07), (0.0, 0.03, 0.01),
                         (0.2, 0.35, 0.25))  # fmt: skip


@pytest.fixture(scope="module")
def references() -> dict[StepOption, tuple[float, float]]:
    """Price and stated error by deterministic slices; finite differences have to agree."""
    found = {}
    for option in (DOWN, DOUBLE):
        grid = price(option, MARKET, method="path_integral_grid", slices=8)
        pde = price(option, MARKET, method="pde")
        assert abs(grid.price - pde.price) < pde.abs_error_estimate + grid.abs_error_estimate
        found[option] = (float(grid.price), float(grid.abs_error_estimate))
    return found


ENGINES: list[tuple[str, dict[str, Any]]] = [
    ("mc_bridge", {}),
    ("mc_bridge", {"controls": False}),
    ("mc_bridge", {"n_steps": 7, "antithetic": True, "strata": 8, "tilt": 0.4}),
    ("rqmc", {}),
    ("rqmc", {"n_steps": 5}),
    ("mlmc", {"tolerance": 0.05}),
    ("mc_naive", {"n_steps": 252, "n_paths": 1 << 14}),
]


@pytest.mark.parametrize("option", [DOWN, DOUBLE], ids=["one", "two"])
@pytest.mark.parametrize("method, more", ENGINES, ids=str)
def test_every_engine_agrees_with_deterministic_ones(
    references: Any, option: StepOption, method: str, more: dict[str, Any]
) -> None:
    expected, error = references[option]
    found = price(option, MARKET, method=method, seed=12, **more)
    bias = 0.005 if method == "mc_naive" else 0.0
    assert abs(found.price - expected) < 4.5 * found.std_error + error + bias


@pytest.mark.parametrize("rates", [(5.0, 0.0), (6.0, 1.0), (3.0, 0.0, 8.0)], ids=str)
def test_rates_that_change_by_interval(rates: tuple[float, ...]) -> None:
    levels = (90.0, 120.0)[: len(rates) - 1]
    option = StepOption("call", 100.0, 1.0, levels, rates, gamma=0.02)
    market = dataclasses.replace(MARKET, charge=(0.5, 2.0, 0.0))
    exact = price(option, market, method="path_integral_grid", slices=8)
    for method, more in (("mc_bridge", {"greeks": True}), ("rqmc", {}), ("mlmc", {})):
        found = price(option, market, method=method, seed=4, **more)
        assert abs(found.price - exact.price) < 4.5 * found.std_error + exact.abs_error_estimate
    h = 0.5
    down, up = (
        price(option, dataclasses.replace(market, spot=100.0 + d), method="path_integral_grid",
              slices=8).price
        for d in (-h, h)
    )  # fmt: skip
    found = price(option, market, method="mc_bridge", greeks=True, seed=4)
    assert found.delta == pytest.approx((up - down) / (2 * h), abs=4.5 * (
        found.sensitivities["delta_error"]) + 1e-3)  # fmt: skip


def test_delta_and_gamma() -> None:
    h, found = 0.5, price(DOWN, MARKET, method="mc_bridge", greeks=True, seed=5)
    down, mid, up = (
        price(DOWN, dataclasses.replace(MARKET, spot=100.0 + d), method="path_integral_grid",
              slices=8, panel_nodes=12).price
        for d in (-h, 0.0, h)
    )  # fmt: skip
    assert found.delta == pytest.approx((up - down) / (2 * h), abs=4.5 * (
        found.sensitivities["delta_error"]) + 1e-4)  # fmt: skip
    assert found.gamma == pytest.approx((up - 2 * mid + down) / h**2, abs=4.5 * (
        found.sensitivities["gamma_error"]) + 1e-5)  # fmt: skip


@pytest.mark.parametrize("weights", ["bridge", "naive"])
@pytest.mark.parametrize("option", [DOWN, DOUBLE], ids=["one", "two"])
def test_equal_intervals_are_the_constant_market(option: StepOption, weights: str) -> None:
    constant = BlackScholesMarket(100.0, 0.05, 0.02, 0.3)
    cut = PiecewiseMarket(100.0, (0.25, 0.5), (0.05,) * 3, (0.02,) * 3, (0.3,) * 3)
    chosen = PathSettings(weights, 4, antithetic=True, tilt=0.3)
    one, other = (PathSampler(option, m, chosen, 3).sample(0, 500) for m in (constant, cut))
    np.testing.assert_allclose(one, other, rtol=1e-9, atol=1e-10)


@pytest.mark.parametrize("amortisation, window", [("simple", None), ("delayed", 0.2)])
def test_other_weights_of_the_naive_sum(amortisation: str, window: float | None) -> None:
    option = StepOption("call", 100.0, 1.0, (90.0,), (2.0, 0.0), amortisation=amortisation,
                        window=window)  # fmt: skip
    constant = BlackScholesMarket(100.0, 0.05, 0.02, 0.3)
    cut = PiecewiseMarket(100.0, (0.5,), (0.05,) * 2, (0.02,) * 2, (0.3,) * 2)
    chosen = PathSettings("naive", 8)
    one, other = (PathSampler(option, m, chosen, 3).sample(0, 500) for m in (constant, cut))
    np.testing.assert_allclose(one, other, rtol=1e-9)


def test_a_delayed_contract_counts_time_wherever_there_is_a_rate() -> None:
    option = StepOption("call", 100.0, 1.0, (90.0,), (2.0, 0.0), amortisation="delayed",
                        window=0.2)  # fmt: skip
    chosen = PathSettings("naive", 9)
    plain, charged, free = (
        PathSampler(option, dataclasses.replace(MARKET, charge=charge), chosen, 3).sample(0, 500)
        for charge in (None, (3.0, 0.5, 1.0), (0.0, 0.0, 0.0))
    )
    np.testing.assert_array_equal(plain, charged)
    np.testing.assert_array_equal(free[0], free[1])
    assert not np.array_equal(plain[0], plain[1])


@settings(max_examples=50, deadline=None)
@given(
    st.lists(st.floats(0.05, 2.5), min_size=0, max_size=4, unique=True).map(sorted),
    st.floats(0.1, 2.0), st.integers(1, 40), st.integers(0, 3),
)  # fmt: skip
def test_a_plan_covers_time_and_no_step_crosses_an_end(
    times: list[float], maturity: float, steps: int, halvings: int
) -> None:
    n = len(times) + 1
    market = PiecewiseMarket(100.0, tuple(times), tuple(0.01 * i for i in range(n)), (0.0,) * n,
                             tuple(0.1 + 0.1 * i for i in range(n)))  # fmt: skip
    plan = time_plan(market, maturity, steps, halvings)
    ends = np.cumsum([step.length for step in plan])
    assert ends[-1] == pytest.approx(maturity)
    for t in times:
        if t < maturity:
            assert np.abs(ends - t).min() < 1e-9
    for end, step in zip(ends, plan, strict=True):
        i = int(np.searchsorted(times, float(end - step.length / 2)))
        assert step[1:] == (market.rate[i], market.dividend[i], market.vol[i], 1.0)
    coarse = time_plan(market, maturity, steps)
    assert len(plan) == len(coarse) << halvings
    mean = averaged(market, maturity)
    variance = sum(step.deviation**2 for step in plan)
    assert mean.vol**2 * maturity == pytest.approx(variance)
