"""Monte Carlo Greeks: against the closed form, pathwise and by likelihood ratio, any barriers."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import numpy as np
import pytest
from step_contracts import DOUBLE, DOWN, MARKET

from heliostat_methods.step_options import (
    BridgeWeightTable,
    HestonMarket,
    PiecewiseMarket,
    StepOption,
    Unsupported,
    double_step,
    down_step,
    price,
    up_step,
)
from heliostat_methods.step_options.monte_carlo.greeks import GreekSampler
from heliostat_methods.step_options.monte_carlo.independent_paths import price_bridge
from heliostat_methods.step_options.weights.first_step import FirstStep
from heliostat_methods.step_options.weights.staircase import StaircaseWeightTable, stairs_slopes
from heliostat_search.montecarlo import Moments

UP = up_step("put", 105.0, 1.0, 110.0, 4.0, gamma=-0.03)
STAIRS = StepOption("put", 100.0, 0.75, (90.0, 97.0, 110.0), (8.0, 3.0, 0.0, -1.0), gamma=-0.02,
                    allow_accrual=True)  # fmt: skip
CONTRACTS = {
    "down call": DOWN,
    "up put": UP,
    "down digital": down_step("digital", 100.0, 1.0, 90.0, 2.0),
    "down unit": down_step("unit", 100.0, 1.0, 95.0, 4.0),
    "both charged": StepOption("call", 100.0, 1.0, (95.0,), (6.0, 1.0)),
    "double call": DOUBLE,
    "double put": double_step("put", 105.0, 1.0, (85.0, 120.0), 4.0),
    "double digital": double_step("digital", 100.0, 1.0, (90.0, 120.0), (3.0, 8.0)),
    "stairs": STAIRS,
}


@pytest.mark.parametrize("steps", [1, 6])
@pytest.mark.parametrize("name", CONTRACTS)
def test_every_estimator_finds_the_closed_form(name: str, steps: int) -> None:
    option = CONTRACTS[name]
    exact = price(option, MARKET, greeks=True)
    found = price(option, MARKET, method="mc_bridge", greeks=True, n_steps=steps, seed=4,
                  n_paths=1 << 16)  # fmt: skip
    kinds = {"likelihood_ratio"} if option.kind == "digital" else (
        {"pathwise", "mixed", "likelihood_ratio"})  # fmt: skip
    assert {key.split("_", 1)[1] for key in found.details["estimators"]} == kinds
    for key, row in found.details["estimators"].items():
        expected = getattr(exact, key.split("_")[0])
        # tables of several barriers and the first step's grid are good to 1e-6 of the scale
        assert abs(row["value"] - expected) < 4.5 * row["error"] + 2e-7 * (1 + abs(expected))
    others = ["d_rate", "d_dividend"] + ["vega"] * (len(option.barriers) == 1)
    for key in others:
        error = found.sensitivities[f"{key}_error"]
        assert abs(found.sensitivities[key] - exact.sensitivities[key]) < 4.5 * error + 1e-5


def test_the_smaller_error_is_chosen() -> None:
    found = price(DOWN, MARKET, method="mc_bridge", greeks=True, n_steps=8, n_paths=1 << 15)
    rows = found.details["estimators"]
    for greek in ("delta", "gamma"):
        errors = {key: row["error"] for key, row in rows.items() if key.startswith(greek)}
        (chosen,) = [key for key in errors if rows[key]["chosen"]]
        assert errors[chosen] == min(errors.values()) == found.sensitivities[f"{greek}_error"]
        assert getattr(found, greek) == rows[chosen]["value"]


def test_controls_of_the_vanilla_claim_shrink_the_errors() -> None:
    sampler = GreekSampler(DOWN, MARKET, 1, 3)
    moments = Moments.of(sampler.sample(0, 1 << 15))
    plain = np.sqrt(np.diag(moments.covariance) / moments.n)
    found = price(DOWN, MARKET, method="mc_bridge", greeks=True, n_paths=1 << 15, seed=3)
    for i, name in enumerate(sampler.targets):
        rows = found.details["estimators"]
        error = rows[name]["error"] if name in rows else found.sensitivities[f"{name}_error"]
        assert error < plain[i] / 10


PIECEWISE = PiecewiseMarket(100.0, (0.3, 0.7), (0.02, 0.05, 0.07), (0.0, 0.03, 0.01),
                            (0.2, 0.35, 0.25))  # fmt: skip


@pytest.mark.parametrize("market", [MARKET, PIECEWISE], ids=["constant", "piecewise"])
def test_controls_have_the_means_that_they_claim(market: Any) -> None:
    sampler = GreekSampler(DOUBLE, market, 4, 8)
    moments = Moments.of(sampler.sample(0, 1 << 16))
    k = len(sampler.targets)
    errors = np.sqrt(np.diag(moments.covariance)[k:] / moments.n)
    assert (np.abs(moments.mean[k:] - np.array(sampler.control_means)) < 4.5 * errors).all()


def test_in_is_vanilla_less_out_by_intervals_too() -> None:
    same = PiecewiseMarket(100.0, (0.5,), (0.05,) * 2, (0.02,) * 2, (0.3,) * 2)
    into = down_step("call", 100.0, 1.0, 90.0, 5.0, gamma=0.05, knock="in")
    exact = price(into, MARKET, greeks=True)
    found = price(into, same, method="mc_bridge", greeks=True, n_paths=1 << 16, seed=2)
    for name in ("vega", "d_rate", "d_dividend"):
        difference = found.sensitivities[name] - exact.sensitivities[name]
        assert abs(difference) < 4.5 * found.sensitivities[f"{name}_error"]
    assert abs(found.delta - exact.delta) < 4.5 * found.sensitivities["delta_error"]


def test_in_is_vanilla_less_out_for_greeks_too() -> None:
    into = down_step("call", 100.0, 1.0, 90.0, 5.0, gamma=0.05, knock="in")
    exact = price(into, MARKET)
    found = price(into, MARKET, method="mc_bridge", greeks=True, n_paths=1 << 16, seed=2)
    for name in ("delta", "gamma"):
        difference = getattr(found, name) - getattr(exact, name)
        assert abs(difference) < 4.5 * found.sensitivities[f"{name}_error"] + 2e-7
        for key, row in found.details["estimators"].items():
            if key.startswith(name):
                assert abs(row["value"] - getattr(exact, name)) < 4.5 * row["error"] + 2e-7


def test_first_step_is_the_table_of_weights_seen_from_one_point() -> None:
    for theta, z in ((2.0, 0.7), (2.0, -0.4), (30.0, 0.3)):
        first, table = FirstStep.build((0.0,), (theta, 0.0), z), BridgeWeightTable.build(theta)
        # away from where z' is at the barrier: derivatives have kinks there
        near = (np.abs(first.d) < 4) & (np.abs(z + first.d) > 0.005)
        z_next = z + first.d[near]
        h = 1e-3
        up, down = (FirstStep.build((0.0,), (theta, 0.0), z + d) for d in (h, -h))
        np.testing.assert_allclose(first.weight[near], table.weight(z, z_next), atol=1e-9)
        np.testing.assert_allclose(first.shifted[near], table.shifted(z, z_next), atol=1e-7)
        slope = (table.weight(z + h, z_next) - table.weight(z - h, z_next)) / (2 * h)
        np.testing.assert_allclose(first.by_start[near], slope, atol=2e-5)
        # at equal z', not at equal steps: interpolated where the grids differ
        for name, of in (("by_start_twice", "by_start"), ("shifted_by_start", "shifted")):
            at = [t.at(getattr(t, of), z_next - start) for t, start in ((up, z + h), (down, z - h))]
            np.testing.assert_allclose(getattr(first, name)[near], (at[0] - at[1]) / (2 * h),
                                       atol=2e-3)  # fmt: skip


def test_slopes_of_two_barrier_weights_match_one_barrier_far_from_the_other() -> None:
    table = StaircaseWeightTable.build((0.0, 40.0), (2.0, 0.0, 2.0))
    z = np.array([0.3, -0.5, 1.5, -0.2, 0.01, 2.0])
    z_next = np.array([0.5, 0.4, -0.1, -0.7, 0.6, 1.0])
    out = np.empty((2, len(z)))
    stairs_slopes(z, z_next, table.edges, table.plane, out)
    one = BridgeWeightTable.build(2.0)
    np.testing.assert_allclose(out[0], one.weight(z, z_next), atol=2e-8)
    np.testing.assert_allclose(out[1], one.shifted(z, z_next), atol=5e-6)


@pytest.mark.parametrize("option", [
    down_step("call", 100.0, 1.0, 100.0, 5.0), up_step("put", 105.0, 1.0, 100.0, 4.0),
    double_step("call", 100.0, 1.0, (80.0, 100.0), (3.0, 8.0)),
    down_step("call", 100.0, 1.0, 100.0, math.inf),
], ids=lambda o: f"{o.barriers} {o.rates}")  # fmt: skip
def test_both_sides_of_a_barrier(option: StepOption) -> None:
    exact = price(option, MARKET)
    found = price_bridge(option, MARKET, greeks=True, n_paths=1 << 16, seed=3)
    assert found.details["at_barrier"] == exact.details["at_barrier"]
    sides = [name for name in exact.sensitivities if name.endswith(("_below", "_above"))]
    assert len(sides) == (4 if math.inf in option.rates else 2)
    for name in (*sides, "delta", "gamma"):
        error = found.sensitivities[f"{name.split('_')[0]}_error"]
        assert abs(getattr(found, name) - getattr(exact, name)) < 4.5 * error + 1e-6
    beside = price_bridge(option, dataclasses.replace(MARKET, spot=100.01), greeks=True,
                          n_paths=1 << 10)  # fmt: skip
    assert "at_barrier" not in beside.details


def test_models_without_greeks_say_so() -> None:
    heston = HestonMarket(100.0, 0.05, 0.02, 0.09, 1.5, 0.06, 0.4, -0.6)
    with pytest.raises(Unsupported, match="Black-Scholes"):
        price(down_step("call", 100.0, 1.0, 90.0, 5.0), heston, method="mc_bridge", greeks=True)
