"""What has to hold for every contract, and what becomes of a price at the ends of its range."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from heliostat_methods.step_options import (
    BlackScholesMarket,
    StepOption,
    double_step,
    down_step,
    price,
    up_step,
)
from heliostat_methods.step_options.closed_form.black_scholes import black_scholes

contracts = st.fixed_dictionaries({
    "kind": st.sampled_from(["call", "put", "digital", "unit", "asset"]),
    "strike": st.floats(70, 140), "maturity": st.floats(0.05, 3), "gamma": st.floats(-0.1, 0.1),
    "levels": st.lists(st.floats(75, 130), min_size=1, max_size=3, unique_by=round).map(sorted),
    "rates": st.lists(st.floats(0, 30), min_size=4, max_size=4),
})  # fmt: skip
markets = st.builds(
    BlackScholesMarket, st.floats(60, 160), st.floats(-0.02, 0.1), st.floats(0, 0.08),
    st.floats(0.08, 0.6),
)  # fmt: skip
checked = settings(max_examples=40, deadline=None)


def option(c: dict[str, Any], **changes: Any) -> StepOption:
    levels = tuple(c["levels"])
    fields = {"kind": c["kind"], "strike": c["strike"], "maturity": c["maturity"],
              "barriers": levels, "rates": tuple(c["rates"][: len(levels) + 1]),
              "gamma": c["gamma"]}  # fmt: skip
    return StepOption(**(fields | changes))


def vanilla(c: dict[str, Any], m: BlackScholesMarket) -> float:
    return float(black_scholes(c["kind"], m.spot, c["strike"], m.rate, m.dividend, m.vol,
                               c["maturity"]))  # fmt: skip


@checked
@given(contracts, markets)
def test_in_plus_out_is_vanilla(c: dict[str, Any], m: BlackScholesMarket) -> None:
    total = price(option(c), m).price + price(option(c, knock="in"), m).price
    assert total == pytest.approx(vanilla(c, m), abs=1e-10)


@checked
@given(contracts, markets)
def test_price_lies_between_nothing_and_vanilla(c: dict[str, Any], m: BlackScholesMarket) -> None:
    result = price(option(c), m)
    assert -1e-9 <= result.price <= vanilla(c, m) + 1e-9
    higher = price(option(c, rates=tuple(r + 1 for r in option(c).rates)), m)
    assert higher.price == pytest.approx(result.price * math.exp(-c["maturity"]), abs=1e-10)


@checked
@given(contracts, markets)
def test_homogeneity(c: dict[str, Any], m: BlackScholesMarket) -> None:
    scale = 1.7
    big = option(c, strike=scale * c["strike"], barriers=tuple(scale * b for b in c["levels"]))
    market = BlackScholesMarket(scale * m.spot, m.rate, m.dividend, m.vol)
    degree = 0 if c["kind"] in ("digital", "unit") else 1
    assert price(big, market).price == pytest.approx(
        scale**degree * price(option(c), m).price, abs=1e-9
    )


@checked
@given(contracts, markets)
def test_floating_barrier_is_a_still_one(c: dict[str, Any], m: BlackScholesMarket) -> None:
    # V_g(S, K, B, r, q) = e^{g T} V_0(S, K e^{-g T}, B, r, q + g)
    growth = math.exp(c["gamma"] * c["maturity"])
    still = option(c, gamma=0.0, strike=c["strike"] / growth)
    market = BlackScholesMarket(m.spot, m.rate, m.dividend + c["gamma"], m.vol)
    factor = 1.0 if c["kind"] in ("digital", "unit") else growth
    assert price(option(c), m).price == pytest.approx(factor * price(still, market).price, abs=1e-9)


@checked
@given(contracts, markets)
def test_anchor_names_the_same_barrier(c: dict[str, Any], m: BlackScholesMarket) -> None:
    at_end = option(c).levels_at(c["maturity"])
    again = option(c, barriers=at_end, anchor="maturity")
    assert price(again, m).price == pytest.approx(price(option(c), m).price, abs=1e-10)


@checked
@given(contracts, markets)
def test_call_minus_put_is_asset_minus_cash(c: dict[str, Any], m: BlackScholesMarket) -> None:
    p = {k: price(option(c, kind=k), m).price for k in ("call", "put", "asset", "unit")}
    assert p["call"] - p["put"] == pytest.approx(p["asset"] - c["strike"] * p["unit"], abs=1e-9)


@checked
@given(contracts, markets)
def test_delta_and_gamma_are_slopes(c: dict[str, Any], m: BlackScholesMarket) -> None:
    h = 1e-4 * m.spot
    ladder = BlackScholesMarket(m.spot + h * np.array([-1.0, 0.0, 1.0]), m.rate, m.dividend, m.vol)
    low, middle, high = price(option(c), ladder).price
    result = price(option(c), m)
    assert result.price == pytest.approx(middle, abs=1e-10)
    # gamma jumps at a barrier and at the strike of a digital: a slope across it is only first order
    scale = max(1.0, abs(float(result.gamma)) * m.spot)
    assert result.delta == pytest.approx((high - low) / (2 * h), abs=2e-3 * scale)


def test_duality_and_parity_by_number() -> None:
    market = BlackScholesMarket(100.0, 0.04, 0.01, 0.3)
    down = down_step("call", 105.0, 1.0, 90.0, 3.0, gamma=0.02)
    up = up_step("put", 100.0, 1.0, 100.0 * 105.0 / 90.0, 3.0, gamma=-0.02)
    mirrored = BlackScholesMarket(105.0, 0.01, 0.04, 0.3)
    assert price(down, market).price == pytest.approx(10.1996981764122, rel=1e-11)
    assert price(up, mirrored).price == pytest.approx(10.1996981764122, rel=1e-11)
    put = down_step("put", 105.0, 1.0, 90.0, 3.0, gamma=0.02)
    assert price(down, market).price - price(put, market).price == pytest.approx(
        7.127089593267, rel=1e-11
    )


# S = K = 100, r = .05, q = .02, vol .3, one year, B = 90: knock-out 8.510761494328
@pytest.mark.parametrize("rate, expected, rest", [(1e2, 9.512443681142, 1.1e-3),
                                                  (1e4, 8.620085330831, 1.1e-6),
                                                  (1e6, 8.521788099598, 1.1e-9)])  # fmt: skip
def test_large_rates_approach_the_knock_out(rate: float, expected: float, rest: float) -> None:
    market = BlackScholesMarket(100.0, 0.05, 0.02, 0.3)
    found = price(down_step("call", 100.0, 1.0, 90.0, rate), market).price
    assert found == pytest.approx(expected, rel=1e-10)
    # the barrier acts as a hard one moved by the penetration depth vol / sqrt(2 rate)
    moved = 90.0 * math.exp(-0.3 / math.sqrt(2 * rate))
    assert abs(found - _knock_out(100.0, 100.0, moved, 0.05, 0.02, 0.3, 1.0)) < rest


def _knock_out(s: float, k: float, b: float, r: float, q: float, v: float, t: float) -> float:
    """Down-and-out call by reflection, b <= k."""
    power = 2 * (r - q) / v**2 - 1
    image = black_scholes("call", b * b / s, k, r, q, v, t)
    return float(black_scholes("call", s, k, r, q, v, t) - (b / s) ** power * image)


def test_knock_out_of_quantlib() -> None:
    # QuantLib 1.44, AnalyticDoubleBarrierEngine, 80/130: call 1.040985529341, put .613950175962
    market = BlackScholesMarket(100.0, 0.05, 0.02, 0.3)
    for kind, expected in (("call", 1.040985529341), ("put", 0.613950175962)):
        error = []
        for rate in (1e6, 1e8):
            shift = math.exp(0.3 / math.sqrt(2 * rate))
            levels = (80.0 * shift, 130.0 / shift)
            found = price(double_step(kind, 100.0, 1.0, levels, rate), market).price
            error.append(abs(found - expected))
        assert error[0] < 1e-4
        assert error[1] < 1e-6


EDGE_MARKET = BlackScholesMarket(100.0, 0.05, 0.02, 0.3)


def test_no_charge_is_black_scholes() -> None:
    for kind in ("call", "put", "digital", "unit", "asset"):
        expected = black_scholes(kind, 100.0, 95.0, 0.05, 0.02, 0.3, 1.0)
        found = price(down_step(kind, 95.0, 1.0, 90.0, 0.0), EDGE_MARKET).price
        assert found == pytest.approx(float(expected), rel=1e-12)


def test_huge_rate_does_not_overflow() -> None:
    found = price(down_step("call", 100.0, 1.0, 90.0, 1e12), EDGE_MARKET)
    assert found.price == pytest.approx(8.510761494328, rel=1e-4)
    assert np.isfinite(found.delta) and np.isfinite(found.gamma)


@pytest.mark.parametrize("spot", [90.0, 60.0, 89.999999, 90.000001])
def test_a_spot_on_or_beyond_the_barrier_is_legal(spot: float) -> None:
    market = BlackScholesMarket(spot, 0.05, 0.02, 0.3)
    found = price(down_step("call", 100.0, 1.0, 90.0, 5.0), market)
    other = price(down_step("call", 100.0, 1.0, 90.0, 5.0), market, method="occupation")
    assert found.price == pytest.approx(other.price, rel=1e-8)


def test_strike_on_the_barrier() -> None:
    values = [price(down_step("call", k, 1.0, 90.0, 5.0), EDGE_MARKET).price
              for k in (90.0 - 1e-9, 90.0, 90.0 + 1e-9)]  # fmt: skip
    assert values[0] == pytest.approx(values[1], abs=1e-8)
    assert values[2] == pytest.approx(values[1], abs=1e-8)


def test_expiry() -> None:
    soon = price(down_step("call", 95.0, 1e-8, 90.0, 5.0), EDGE_MARKET)
    assert soon.price == pytest.approx(5.0, abs=1e-6)
    assert price(down_step("call", 95.0, 0.0, 90.0, 5.0), EDGE_MARKET).price == 5.0
    assert price(down_step("call", 95.0, 0.0, 90.0, 5.0, knock="in"), EDGE_MARKET).price == 0.0


def test_ladders_equal_single_prices() -> None:
    spots, strikes = np.linspace(60, 150, 31), np.array([90.0, 100.0, 120.0])
    ladder = down_step("call", strikes[:, None], 1.0, 90.0, 5.0, gamma=0.02)
    result = price(ladder, BlackScholesMarket(spots, 0.05, 0.02, 0.3))
    assert np.shape(result.price) == (3, 31)
    for i, k in enumerate(strikes):
        for j in (0, 10, 30):
            one = price(down_step("call", float(k), 1.0, 90.0, 5.0, gamma=0.02),
                        BlackScholesMarket(float(spots[j]), 0.05, 0.02, 0.3))  # fmt: skip
            assert np.asarray(result.price)[i, j] == pytest.approx(one.price, rel=1e-13)
            assert np.asarray(result.gamma)[i, j] == pytest.approx(one.gamma, rel=1e-12)


# S = K = 100, r = .05, q = 0, vol .3, rate 5, gamma .02, each in turn varied. Origin: Talbot
# inversion with 50 digits (mpmath). The paper shows prices against the same four; its parameters
# were not available.
SWEEPS = [
    ("spot", [70, 80, 90, 100, 110, 120, 130],
     [0.319021, 1.469716, 5.545681, 12.627845, 20.243284, 28.465135, 37.215851],
     [0.374321, 1.521649, 3.214049, 4.160999, 4.165449, 3.258428, 1.881934]),
    ("gamma", [-0.1, -0.05, 0, 0.05, 0.1],
     [13.245719, 13.025993, 12.754069, 12.416795, 11.997549],
     [2.407089, 3.066901, 3.832459, 4.669504, 5.533503]),
    ("rate", [0, 0.025, 0.05, 0.075, 0.1],
     [10.481683, 11.527052, 12.627845, 13.781848, 14.986393],
     [3.766042, 3.969155, 4.160999, 4.339272, 4.501851]),
    ("strike", [80, 90, 100, 110, 120],
     [21.373582, 16.793413, 12.627845, 9.148685, 6.435028],
     [10.848587, 7.062870, 4.160999, 2.224908, 1.105907]),
]  # fmt: skip


@pytest.mark.parametrize("name, values, single, double", SWEEPS, ids=[s[0] for s in SWEEPS])
def test_shapes_of_the_paper(
    name: str, values: list[float], single: list[float], double: list[float]
) -> None:
    for value, one, two in zip(values, single, double, strict=True):
        f = {"spot": 100.0, "rate": 0.05, "strike": 100.0, "gamma": 0.02, name: float(value)}
        market = BlackScholesMarket(f["spot"], f["rate"], 0.0, 0.3)
        down = down_step("call", f["strike"], 1.0, 90.0, 5.0, gamma=f["gamma"])
        both = double_step("call", f["strike"], 1.0, (80.0, 125.0), 5.0, gamma=f["gamma"])
        assert price(down, market).price == pytest.approx(one, abs=6e-7)
        assert price(both, market).price == pytest.approx(two, abs=6e-7)
