"""Simple and delayed contracts: what time in a region is worth, also where drift dominates."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import pytest
from step_reference import black_scholes_reference

from heliostat_methods.step_options import (
    BlackScholesMarket,
    Result,
    StepOption,
    double_step,
    down_step,
    price,
)
from heliostat_methods.step_options.monte_carlo import independent_paths

MARKET = BlackScholesMarket(100.0, 0.05, 0.0, 0.3)


@pytest.mark.parametrize("rates", [(1.0, 0.0, 1.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0)])
@pytest.mark.parametrize("kind", ["call", "put", "digital"])
def test_a_charge_that_never_ends_a_contract_is_linear(kind: str, rates: tuple[float, ...]) -> None:
    # 1 - R tau with R T <= 1: the slope is that of the proportional price at rate zero
    option = StepOption(kind, 100.0, 1.0, (85.0, 125.0), rates, amortisation="simple")

    def at(rate: float, **more: Any) -> float:
        changed = dataclasses.replace(option, rates=tuple(rate * x for x in rates), **more)
        method = "laplace" if more else "occupation"
        return float(price(changed, MARKET, method=method).price)

    plain: dict[str, Any] = {"amortisation": "proportional", "allow_accrual": True}
    h = 1e-3
    slope = 8 * (at(h, **plain) - at(-h, **plain)) - at(2 * h, **plain) + at(-2 * h, **plain)
    slope /= 12 * h
    free = at(0.0, **plain)
    for rate in (0.25, 1.0):
        assert at(rate) == pytest.approx(free + rate * slope, abs=1e-8)
        assert at(rate) < free - 1e-3


def test_a_simple_double_step_by_number() -> None:
    # Monte Carlo, 500 steps of a Riemann sum: 11.242 +- .016
    option = double_step("call", 100.0, 1.0, (85.0, 125.0), 0.5, amortisation="simple")
    assert price(option, MARKET, method="occupation").price == pytest.approx(11.214178922, abs=1e-8)


@pytest.mark.parametrize("vol, rate", [(0.001, 0.3), (0.3, 0.05), (0.01, -0.4)])
def test_barriers_out_of_reach(vol: float, rate: float) -> None:
    market = BlackScholesMarket(100.0, rate, 0.0, vol)
    levels = (100.0 * math.exp(-4.0), 100.0 * math.exp(4.0))
    option = double_step("put", 90.0, 1.0, levels, 0.5, amortisation="simple")
    inside = dataclasses.replace(option, rates=(0.0, 0.5, 0.0))
    delayed = dataclasses.replace(inside, amortisation="delayed", window=0.25)
    free = black_scholes_reference(option, market)
    for contract, share in ((option, 1.0), (inside, 0.5), (delayed, 0.0)):
        found = price(contract, market, method="occupation")
        assert found.price == pytest.approx(share * free, abs=1e-11)
        assert abs(found.price - share * free) <= found.abs_error_estimate


def test_where_vertical_lines_fail_another_engine_takes_over(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    market = BlackScholesMarket(100.0, 0.4, 0.0, 0.02)
    levels = (100.5, 130.0)
    option = double_step("put", 160.0, 1.0, levels, 1.0, amortisation="delayed", window=0.9)

    def sampled(option: StepOption, market: Any, greeks: bool = False) -> Result:
        return Result(price=3.0, method="mc_naive", abs_error_estimate=0.01, std_error=0.005)

    monkeypatch.setattr(independent_paths, "price_naive", sampled)
    found = price(option, market, method="occupation")
    assert found.price == 3.0
    assert "with a stated error of inf" in found.details["taken_over"]


@pytest.mark.parametrize("vol", [0.002, 0.02, 0.3])
def test_one_barrier_where_drift_dominates(vol: float) -> None:
    market = BlackScholesMarket(100.0, 0.3, 0.0, vol)
    for rate in (0.5, 40.0, math.inf):
        option = down_step("call", 120.0, 1.0, 105.0, rate)
        one = price(option, market, method="occupation")
        other = price(option, market)
        assert one.method == "occupation"
        stated = one.abs_error_estimate + other.abs_error_estimate
        assert abs(one.price - other.price) <= 3 * stated
        assert stated < 1e-8
    # time below 105 is ln(1.05) / .3 years
    simple = down_step("unit", 1.0, 1.0, 105.0, 2.0, amortisation="simple")
    if vol < 0.01:
        expected = math.exp(-0.3) * (1 - 2 * math.log(1.05) / 0.3)
        found = price(simple, market, method="occupation").price
        assert found == pytest.approx(expected, rel=1e-4)
