"""Contracts and markets from the whole box: engines against each other, bounds and mpmath.

vol .001 to 3, T 1e-4 to 50 years, interest, dividends and growth of barriers within .5 of zero, 1
to 12 barriers, rates of any size. What an engine states as its error may be exceeded threefold, no
more; where it does not trust itself it hands over, and says so.
"""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from step_reference import draw, reference

from heliostat_methods.step_options import (
    BlackScholesMarket,
    InvalidInput,
    Result,
    StepOption,
    Unsupported,
    price,
)
from heliostat_methods.step_options.engines.gate import bounds_of

seeds = st.integers(0, 10**9)
STATED = 3.0
"""Stated errors that two engines may differ by."""


def checked(examples: int) -> Any:
    return settings(max_examples=examples, deadline=None, derandomize=True)


def drawn(seed: int) -> tuple[StepOption, BlackScholesMarket]:
    return draw(np.random.default_rng(seed))


def scale(option: StepOption, market: BlackScholesMarket) -> float:
    """Return what is paid and received, today or discounted."""
    today = 1.0 if option.kind in ("unit", "digital") else max(market.spot, option.strike)
    return float(max(today, bounds_of(option, market).legs))


def agree(one: Result, other: Result, option: StepOption, market: BlackScholesMarket) -> None:
    stated = one.abs_error_estimate + other.abs_error_estimate
    assert abs(one.price - other.price) <= STATED * stated + 1e-14 * scale(option, market)


@checked(200)
@given(seeds)
def test_closed_form_is_within_bounds_and_sure(seed: int) -> None:
    option, market = drawn(seed)
    found, bounds = price(option, market), bounds_of(option, market)
    assert found.method == "laplace" and "taken_over" not in found.details
    size = scale(option, market)
    assert found.abs_error_estimate <= 1e-9 * size
    slack = found.abs_error_estimate + 1e-12 * float(bounds.legs)
    assert max(bounds.low - slack, 0.0) <= found.price <= bounds.high + slack
    assert math.isfinite(found.delta) and math.isfinite(found.gamma)


@checked(100)
@given(seeds, st.floats(0.0, 1.0))
def test_more_charge_is_worth_less(seed: int, share: float) -> None:
    option, market = drawn(seed)
    less = dataclasses.replace(option, rates=tuple(share * rate for rate in option.rates))
    high, low = price(less, market), price(option, market)
    slack = high.abs_error_estimate + low.abs_error_estimate
    assert low.price <= high.price + STATED * slack


@checked(60)
@given(seeds, st.floats(-0.5, 0.5))
def test_floating_barriers_and_homogeneity(seed: int, move: float) -> None:
    # V_g(S, K, B, r, q) = e^{m T} V_{g - m}(S, K e^{-m T}, B, r, q + m), and V is of degree one
    option, market = drawn(seed)
    growth = math.exp(move * option.maturity)
    still = dataclasses.replace(
        option, gamma=float(option.common_gamma or 0.0) - move, strike=option.strike / growth
    )
    moved = dataclasses.replace(market, dividend=market.dividend + move)
    one, other = price(option, market), price(still, moved)
    factor = 1.0 if option.kind in ("unit", "digital") else growth
    stated = one.abs_error_estimate + factor * other.abs_error_estimate
    # a digital claim knows its strike to rounding of logarithms
    place = 1e-15 * (1 + abs(move) * option.maturity) / (market.vol * math.sqrt(option.maturity))
    slack = STATED * stated + (1e-12 + place) * scale(option, market)
    assert abs(one.price - factor * other.price) <= slack


@checked(60)
@given(seeds)
def test_delta_is_the_slope_and_gamma_that_of_delta(seed: int) -> None:
    option, market = drawn(seed)
    h = 1e-4 * market.vol * math.sqrt(option.maturity)  # in ln S
    # beside a barrier that may be at 100, where gamma jumps
    spot = 100.0 * math.exp(3.137 * h)
    ladder = dataclasses.replace(market, spot=spot * (1 + h * np.array([-1.0, 0.0, 1.0])))
    found = price(option, ladder)
    # layers at barriers are sharper than a deviation
    sharp = (1 + math.sqrt(2 * max(option.rates) * option.maturity)) ** 3
    size = scale(option, market)
    stated = float(np.max(found.abs_error_estimate))
    slope = (found.price[2] - found.price[0]) / (2 * h)
    assert abs(slope - spot * found.delta[1]) <= (stated + 1e-13 * size) / h + 1e-4 * sharp * size
    bend = (found.delta[2] - found.delta[0]) * spot / (2 * h)
    around = (stated + 1e-13 * size) / h**2 * 1e-4 + sharp * size * 1e-4 / h
    assert abs(bend - spot**2 * found.gamma[1]) <= around


@checked(8)
@given(seeds)
def test_occupation_density(seed: int) -> None:
    option, market = drawn(seed)
    i = seed % len(option.barriers)
    single = dataclasses.replace(
        option, barriers=option.barriers[i : i + 1], rates=option.rates[i : i + 2]
    )
    agree(price(single, market), price(single, market, method="occupation"), single, market)


@checked(10)
@given(seeds)
def test_spectrum(seed: int) -> None:
    option, market = drawn(seed)
    some = dataclasses.replace(option, barriers=option.barriers[:3], rates=option.rates[:4])
    agree(price(some, market), price(some, market, method="spectral"), some, market)


GRIDS_AND_PATHS: dict[str, dict[str, Any]] = {
    "path_integral_grid": {}, "pde": {}, "mc_bridge": {"n_paths": 1 << 12, "seed": 1},
    "rqmc": {"n_points": 1 << 7, "seed": 2},
}  # fmt: skip


@pytest.mark.parametrize("engine", GRIDS_AND_PATHS)
@checked(8)
@given(seeds)
def test_engines_keep_their_word_or_hand_over(engine: str, seed: int) -> None:
    option, market = drawn(seed)
    try:
        found = price(option, market, method=engine, **GRIDS_AND_PATHS[engine])
    except Unsupported as error:
        assert "laplace" in error.hint
        return
    agree(price(option, market), found, option, market)
    assert found.method == engine or f"{engine} found" in found.details["taken_over"]


@pytest.mark.parametrize("seed", [122, 277])
def test_against_the_reference(seed: int) -> None:
    option, market = drawn(seed)
    expected, settled = reference(option, market)
    assert settled  # these are draws for which it does
    for method in ("laplace", "occupation", "spectral"):
        try:
            found = price(option, market, method=method)
        except InvalidInput:
            continue
        error = abs(found.price - expected[0])
        assert error <= STATED * found.abs_error_estimate + 1e-13 * scale(option, market), method
    assert abs(price(option, market).price - expected[0]) <= 1e-11 * scale(option, market)


PRICES = (1e-9, 1.0, 99.0, 101.0, 1e9)
ODD: list[dict[str, float]] = [{}, {}, {}] + [
    {name: value} for name in ("strike", "maturity", "gamma", "spot", "rate", "dividend", "vol")
    for value in (1e-300, 1e-12, 1e4, 1e300)
]  # fmt: skip


@checked(250)
@given(
    kind=st.sampled_from(["call", "put", "digital", "unit", "asset"]),
    prices=st.tuples(st.sampled_from(PRICES), st.sampled_from(PRICES)),
    maturity=st.sampled_from([0.0, 1e-12, 1e-4, 1.0, 50.0]),
    drifts=st.tuples(*(3 * [st.sampled_from([0.0, -0.5, 0.05, 10.0])])),
    vol=st.sampled_from([1e-6, 1e-3, 0.3, 3.0, 20.0]),
    levels=st.lists(st.sampled_from(PRICES), min_size=1, max_size=3, unique=True).map(sorted),
    rates=st.tuples(*(4 * [st.sampled_from([-1e3, -1.0, 0.0, 5.0, 1e9, math.inf])])),
    knock=st.sampled_from(["out", "in"]),
    odd=st.sampled_from(ODD),
)  # fmt: skip
def test_beyond_the_box_there_is_a_price_or_a_refusal(
    kind: str, prices: tuple[float, float], maturity: float, drifts: tuple[float, float, float],
    vol: float, levels: list[float], rates: tuple[float, ...], knock: str, odd: dict[str, float],
) -> None:  # fmt: skip
    rate, dividend, gamma = drifts
    f = {"strike": prices[1], "maturity": maturity, "gamma": gamma, "spot": prices[0],
         "rate": rate, "dividend": dividend, "vol": vol} | odd  # fmt: skip
    try:
        option = StepOption(kind, f["strike"], f["maturity"], tuple(levels),
                            rates[: len(levels) + 1], gamma=f["gamma"], knock=knock,
                            allow_accrual=True)  # fmt: skip
        market = BlackScholesMarket(f["spot"], f["rate"], f["dividend"], f["vol"])
        found = price(option, market)
    except InvalidInput as error:
        assert error.field
    else:
        assert math.isfinite(found.price) and math.isfinite(found.abs_error_estimate)
