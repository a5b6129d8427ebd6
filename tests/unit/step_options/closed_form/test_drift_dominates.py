"""The closed form where drift dominates, at infinite rates, and with the spot on a barrier."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from step_reference import black_scholes_reference, draw, reference

from heliostat_methods.step_options import (
    BlackScholesMarket,
    StepOption,
    double_step,
    down_step,
    price,
    up_step,
)
from heliostat_methods.step_options.closed_form.greeks import sensitivities
from heliostat_methods.step_options.closed_form.laplace import MOST_DRIFT, solve
from heliostat_methods.step_options.contracts.reduced import reduce

inf = math.inf
DOWN = {"strike": 100.0, "barriers": (90.0,), "rates": (5.0, 0.0)}

# No path reaches a barrier: Black-Scholes times e^{-rate T} of the region that the spot is in.
UNREACHED = [
    (StepOption("call", maturity=1.0, **DOWN), BlackScholesMarket(85.0, 0.05, 0.02, 0.001), 5.0),
    (StepOption("call", maturity=0.5, **DOWN), BlackScholesMarket(60.0, 0.45, 0.0, 0.03), 5.0),
    (StepOption("call", maturity=1.0, **DOWN), BlackScholesMarket(50.0, 0.2, 0.0, 0.02), 5.0),
    (StepOption("call", maturity=1.0, **DOWN), BlackScholesMarket(200.0, 0.0, 0.2, 0.03), 0.0),
    (down_step("call", 271.828182846, 10.0, 50.0, 0.0), BlackScholesMarket(100.0, 0.1, 0.0, 0.01),
     0.0),
    (StepOption("put", 99.93, 0.0234, (10.78, 1030.0), (0.0, 0.0, 15.0), gamma=0.155),
     BlackScholesMarket(100.0, -0.05, 0.075, 0.0084), 0.0),
]  # fmt: skip


@pytest.mark.parametrize("option, market, rate", UNREACHED)
def test_barriers_that_no_path_reaches(
    option: StepOption, market: BlackScholesMarket, rate: float
) -> None:
    found = price(option, market)
    expected = black_scholes_reference(option, market) * math.exp(-rate * option.maturity)
    assert found.price == pytest.approx(expected, abs=1e-11)
    assert abs(found.price - expected) <= found.abs_error_estimate
    assert found.abs_error_estimate < 1e-10


def test_prices_by_number() -> None:
    growing = down_step("call", 271.828182846, 10.0, 50.0, 0.0)
    assert price(growing, BlackScholesMarket(100.0, 0.1, 0.0, 0.01)).price == pytest.approx(
        1.2615, abs=5e-5
    )
    put = UNREACHED[-1]
    assert price(put[0], put[1]).price == pytest.approx(0.2245, abs=5e-5)
    corridor = StepOption("call", 100.0, 2.0, (80.0, 125.0), (5.0, 0.0, 5.0), gamma=-0.3)
    assert price(corridor, BlackScholesMarket(100.0, 0.05, 0.01, 0.1)).price == pytest.approx(
        0.01151, abs=5e-6
    )


def test_without_spread_the_path_is_the_drift() -> None:
    # from 100 the price grows by .4 a year: it passes 110 after ln(1.1) / .4 years
    market = BlackScholesMarket(100.0, 0.4, 0.0, 1e-3)
    option = StepOption("call", 90.0, 1.0, (110.0,), (3.0, 0.5))
    below = math.log(1.1) / 0.4
    expected = math.exp(-3.0 * below - 0.5 * (1 - below)) * (100.0 - 90.0 * math.exp(-0.4))
    found = price(option, market)
    assert found.price == pytest.approx(expected, rel=1e-4)
    assert found.delta * 100.0 > found.price


@pytest.mark.parametrize("seed", [5, 27, 56, 80, 95, 98])
def test_draws_from_the_box_against_the_reference(seed: int) -> None:
    option, market = draw(np.random.default_rng(seed))
    expected, settled = reference(option, market)
    assert settled  # the seeds are some for which it does
    found = price(option, market)
    scale = 1.0 if option.kind in ("unit", "digital") else 100.0
    assert found.price == pytest.approx(expected[0], abs=1e-10 * scale)
    assert abs(found.price - expected[0]) <= 3 * found.abs_error_estimate
    step = 100.0 * min(1.0, market.vol * math.sqrt(option.maturity))
    gamma = found.sensitivities.get("gamma_below", found.gamma)
    assert found.delta * step == pytest.approx(expected[1] * step, abs=1e-8 * scale)
    assert gamma * step**2 == pytest.approx(expected[2] * step**2, abs=1e-7 * scale)


def _knock_out(s: float, k: float, b: float, r: float, q: float, v: float, t: float) -> float:
    """Down-and-out call by reflection, b <= k, its power taken in logarithms."""
    option, market = down_step("call", k, t, b, 0.0), BlackScholesMarket(s, r, q, v)
    image = black_scholes_reference(option, BlackScholesMarket(b * b / s, r, q, v))
    power = (2 * (r - q) / v**2 - 1) * math.log(b / s)
    mirrored = math.exp(power + math.log(image)) if image > 0 else 0.0
    return black_scholes_reference(option, market) - mirrored


@settings(max_examples=60, deadline=None, derandomize=True)
@given(
    vol=st.floats(1e-3, 3.0), maturity=st.floats(1e-4, 50.0), rate=st.floats(-0.5, 0.5),
    dividend=st.floats(-0.5, 0.5), away=st.floats(0.0, 4.0), strike=st.floats(0.0, 4.0),
)  # fmt: skip
def test_an_infinite_rate_is_the_knock_out(
    vol: float, maturity: float, rate: float, dividend: float, away: float, strike: float
) -> None:
    # away and strike in deviations above the barrier
    step = min(vol * math.sqrt(maturity), 10.0)
    spot, k = 100.0 * math.exp(away * step), 100.0 * math.exp(strike * step)
    found = price(down_step("call", k, maturity, 100.0, inf),
                  BlackScholesMarket(spot, rate, dividend, vol))  # fmt: skip
    expected = _knock_out(spot, k, 100.0, rate, dividend, vol, maturity)
    scale = max(spot, k) * math.exp(max(0.0, -rate * maturity, -dividend * maturity))
    assert found.price == pytest.approx(expected, abs=1e-11 * scale)


def test_knock_out_by_number() -> None:
    market = BlackScholesMarket(100.0, 0.05, 0.02, 0.3)
    down = price(down_step("call", 100.0, 1.0, 90.0, inf), market)
    assert down.price == pytest.approx(8.510761494328, abs=1e-11)
    # QuantLib 1.44, AnalyticDoubleBarrierEngine, 80/130
    for kind, expected in (("call", 1.040985529341), ("put", 0.613950175962)):
        found = price(double_step(kind, 100.0, 1.0, (80.0, 130.0), inf), market)
        assert found.price == pytest.approx(expected, abs=1e-11)
        assert abs(found.price - expected) <= found.abs_error_estimate + 5e-13
    # the penetration depth of a large rate is vol / sqrt(2 rate)
    large = price(down_step("call", 100.0, 1.0, 90.0, 1e12), market)
    moved = 90.0 * 0.3 / math.sqrt(2e12) * down.delta
    assert large.price - down.price == pytest.approx(moved, rel=0.5)
    both = [price(down_step("call", 100.0, 1.0, 90.0, inf, knock=k), market).price
            for k in ("in", "out")]  # fmt: skip
    option = down_step("call", 100.0, 1.0, 90.0, 0.0)
    assert sum(both) == pytest.approx(black_scholes_reference(option, market), abs=1e-11)


def test_behind_a_wall_nothing_matters() -> None:
    market = BlackScholesMarket(100.0, 0.05, 0.02, 0.3)
    plain = price(double_step("put", 100.0, 1.0, (80.0, 130.0), inf), market, greeks=True)
    levels, rates = (70.0, 80.0, 130.0, 150.0), (0.0, inf, 0.0, inf, 3.0)
    more = price(StepOption("put", 100.0, 1.0, levels, rates), market, greeks=True)
    assert more.price == pytest.approx(plain.price, abs=1e-11)
    assert more.vega == pytest.approx(plain.vega, abs=1e-9)
    assert more.d_levels[[1, 2]] == pytest.approx(plain.d_levels, abs=1e-9)
    assert more.d_rates[[1, 3]] == pytest.approx([0.0, 0.0], abs=0)


def test_a_spot_that_is_knocked_out_is_worth_nothing() -> None:
    market = BlackScholesMarket(np.array([70.0, 90.0, 95.0]), 0.05, 0.02, 0.3)
    found = price(down_step("call", 100.0, 1.0, 90.0, inf), market, greeks=True)
    assert found.price[:2] == pytest.approx([0.0, 0.0], abs=0) and found.price[2] > 1
    assert found.abs_error_estimate[:2] == pytest.approx([0.0, 0.0], abs=1e-12)
    assert found.delta_below[1] == 0.0
    slope = price(down_step("call", 100.0, 1.0, 90.0, inf),
                  BlackScholesMarket(90.0 + 1e-6, 0.05, 0.02, 0.3)).delta  # fmt: skip
    assert found.delta_above[1] == pytest.approx(slope, rel=1e-6)
    assert found.delta[1] == pytest.approx(slope / 2, rel=1e-6)
    everywhere = StepOption("unit", 1.0, 1.0, (90.0,), (inf, inf))
    assert price(everywhere, BlackScholesMarket(90.0, 0.05, 0.0, 0.3)).price == 0.0


@pytest.mark.parametrize("vol", [0.3, 0.01])
def test_gamma_of_both_sides_on_a_barrier(vol: float) -> None:
    option = down_step("call", 90.0, 1.0, 90.0, 5.0)
    market = BlackScholesMarket(90.0, 0.05, 0.02, vol)
    found = price(option, market, greeks=True)
    # the equation on both sides: vol^2 S^2 / 2 times the jump of gamma is the jump of rate * price
    jump = 2 * 5.0 * found.price / (vol * 90.0) ** 2
    assert found.gamma_below - found.gamma_above == pytest.approx(jump, rel=1e-10)
    assert found.gamma == pytest.approx((found.gamma_below + found.gamma_above) / 2, rel=1e-14)
    assert "gamma_below" in found.details["at_barrier"]
    for side, sign in (("below", -1), ("above", 1)):
        near = BlackScholesMarket(90.0 * (1 + sign * 1e-9), 0.05, 0.02, vol)
        beside = price(option, near)
        assert found.sensitivities[f"gamma_{side}"] == pytest.approx(beside.gamma, rel=1e-5)
        assert "at_barrier" not in beside.details
    assert "gamma_below" not in price(down_step("call", 90.0, 1.0, 90.0, 0.0), market).sensitivities


def test_both_forms_have_the_same_sensitivities() -> None:
    option = StepOption("put", 105.0, 0.75, (85.0, 95.0, 125.0), (3.0, 0.0, 1.0, 12.0), gamma=0.02)
    problem = reduce(option, BlackScholesMarket(100.0, 0.04, 0.01, 0.25), "laplace")
    contour, integral = sensitivities(problem), sensitivities(problem, 16, np.array([True]))
    for name, values in contour.items():
        assert integral[name] == pytest.approx(values, rel=1e-9, abs=1e-9), name


def test_sensitivities_where_drift_dominates() -> None:
    option = StepOption("call", 115.0, 1.0, (105.0, 112.0), (0.0, 4.0, 1.0))
    market = BlackScholesMarket(100.0, 0.15, 0.0, 0.02)
    found = price(option, market, greeks=True)
    assert found.details["by_quadrature"] == 1
    # homogeneous of degree one in all prices
    total = 100.0 * found.delta + 115.0 * found.d_strike + np.dot(found.d_levels, option.barriers)
    assert total == pytest.approx(found.price, abs=1e-9)

    def slope(name: str, h: float) -> float:
        fields = {"spot": 100.0, "rate": 0.15, "dividend": 0.0, "vol": 0.02}
        up, down = (price(option, BlackScholesMarket(**(fields | {name: fields[name] + x})))
                    for x in (h, -h))  # fmt: skip
        return float(up.price - down.price) / (2 * h)

    assert found.vega == pytest.approx(slope("vol", 1e-6), rel=1e-6)
    assert found.d_rate == pytest.approx(slope("rate", 1e-6), rel=1e-6)
    assert found.delta == pytest.approx(slope("spot", 1e-4), rel=1e-6)


def test_a_ladder_takes_each_spot_by_the_form_that_is_right() -> None:
    spots = np.array([50.0, 99.0, 100.0, 180.0])
    option = up_step("put", 101.0, 0.5, 100.0, 7.0)
    for vol in (0.3, 0.02):
        ladder = price(option, BlackScholesMarket(spots, 0.1, 0.0, vol))
        singles = [price(option, BlackScholesMarket(float(s), 0.1, 0.0, vol)) for s in spots]
        for name in ("price", "delta", "gamma", "abs_error_estimate"):
            assert getattr(ladder, name) == pytest.approx([getattr(s, name) for s in singles],
                                                          rel=1e-9, abs=1e-14)  # fmt: skip
    assert 0.1 * math.sqrt(0.5) / 0.02 < MOST_DRIFT  # the second by error, not by rule


def test_problems_of_different_sizes_are_solved_together() -> None:
    market = BlackScholesMarket(100.0, 0.05, 0.02, 0.3)
    options = [down_step("call", 100.0, 1.0, 90.0, 5.0), UNREACHED[0][0],
               double_step("put", 100.0, 1.0, (80.0, 130.0), inf)]  # fmt: skip
    markets = [market, UNREACHED[0][1], market]
    together = solve([reduce(o, m, "laplace") for o, m in zip(options, markets, strict=True)])
    for i, (option, one) in enumerate(zip(options, markets, strict=True)):
        assert together.values[i, 0] == pytest.approx(price(option, one).price, rel=1e-14)
    assert together.by_quadrature.tolist() == [False, True, False]


def test_accrual_far_away_is_no_overflow() -> None:
    # e^{50 * 30} in a region that no path enters
    option = StepOption("put", 100.0, 50.0, (1.0,), (-50.0, 0.0), allow_accrual=True)
    market = BlackScholesMarket(100.0, 0.05, 0.02, 0.01)
    found = price(option, market)
    assert found.price == pytest.approx(black_scholes_reference(option, market), abs=1e-11)
