"""Parameters that change in time by one clock have the closed form; others say what breaks it."""

from __future__ import annotations

from typing import Any

import pytest

from heliostat_methods.step_options import (
    BlackScholesMarket,
    PiecewiseMarket,
    StepOption,
    Unsupported,
    double_step,
    down_step,
    price,
)

GAMMA, TIMES, VOLS = 0.02, (0.3, 0.8), (0.2, 0.4, 0.3)
RATES = (0.01, 0.06, 0.03)


def one_clock(ratio: float, **changes: Any) -> PiecewiseMarket:
    """Drift of ln(S / B) and charge follow vol^2; the interest rate goes its own way."""
    dividends = tuple(r - GAMMA - v * v / 2 - ratio * v * v
                      for r, v in zip(RATES, VOLS, strict=True))  # fmt: skip
    fields: dict[str, Any] = {
        "spot": 100.0, "times": TIMES, "rate": RATES, "dividend": dividends, "vol": VOLS,
        "charge": tuple(v * v / 0.1 for v in VOLS),
    }  # fmt: skip
    return PiecewiseMarket(**(fields | changes))


CONTRACTS = {
    "down": down_step("call", 100.0, 1.0, 90.0, 5.0, gamma=GAMMA),
    "double": double_step("put", 105.0, 1.0, (85.0, 125.0), (3.0, 12.0), gamma=GAMMA),
    "in": down_step("put", 100.0, 1.5, 95.0, 8.0, gamma=GAMMA, knock="in"),
}


@pytest.mark.parametrize("name", CONTRACTS)
def test_one_clock_has_the_closed_form(name: str) -> None:
    option, market = CONTRACTS[name], one_clock(0.3)
    closed = price(option, market)
    grid = price(option, market, method="path_integral_grid", slices=8)
    assert abs(closed.price - grid.price) <= grid.abs_error_estimate
    pde = price(option, market, method="pde")
    assert abs(closed.price - pde.price) <= pde.abs_error_estimate
    if name != "in":
        assert closed.delta == pytest.approx(pde.delta, abs=2e-5)


def test_every_closed_form_uses_the_clock() -> None:
    option, market = CONTRACTS["down"], one_clock(-0.5)
    closed = price(option, market).price
    for method in ("spectral", "occupation"):
        assert price(option, market, method=method).price == pytest.approx(closed, rel=1e-10)


def test_constant_parameters_in_intervals_are_black_scholes() -> None:
    market = PiecewiseMarket(100.0, (0.4,), (0.05, 0.05), (0.01, 0.01), (0.3, 0.3))
    flat = BlackScholesMarket(100.0, 0.05, 0.01, 0.3)
    for option in (CONTRACTS["down"], CONTRACTS["double"]):
        assert price(option, market).price == pytest.approx(price(option, flat).price, rel=1e-13)


def test_interest_that_dividends_follow_enters_by_its_mean() -> None:
    market = PiecewiseMarket(100.0, (0.25,), (0.02, 0.06), (0.0, 0.04), (0.3, 0.3))
    flat = BlackScholesMarket(100.0, 0.05, 0.03, 0.3)
    option = CONTRACTS["double"]
    assert price(option, market).price == pytest.approx(price(option, flat).price, rel=1e-12)


def test_intervals_after_maturity_do_not_matter() -> None:
    market = PiecewiseMarket(100.0, (1.0,), (0.05, 0.9), (0.0, 0.5), (0.3, 2.0))
    exact = price(CONTRACTS["down"], BlackScholesMarket(100.0, 0.05, 0.0, 0.3)).price
    for method in ("laplace", "pde", "path_integral_grid"):
        assert price(CONTRACTS["down"], market, method=method).price == pytest.approx(
            exact, rel=1e-4 if method == "pde" else 1e-8
        )


def test_one_rate_everywhere_needs_no_clock() -> None:
    option = StepOption("call", 100.0, 1.0, (90.0,), (2.0, 2.0))
    market = PiecewiseMarket(100.0, (0.4,), (0.02, 0.06), (0.0, 0.01), (0.2, 0.35), (1.0, 0.5))
    grid = price(option, market, method="path_integral_grid")
    assert price(option, market).price == pytest.approx(grid.price, rel=1e-8)


@pytest.mark.parametrize(
    "changes, field",
    [({"dividend": (0.0, 0.0, 0.0)}, r"rate\[0\] - dividend\[0\]"),
     ({"charge": None}, r"charge\[0\]")],
)  # fmt: skip
def test_what_breaks_the_clock_is_named(changes: dict[str, Any], field: str) -> None:
    with pytest.raises(Unsupported, match=field + ".*path_integral_grid"):
        price(CONTRACTS["down"], one_clock(0.3, **changes))


def test_occupation_is_measured_in_calendar_years() -> None:
    delayed = down_step("call", 100.0, 1.0, 90.0, 1.0, amortisation="delayed", window=0.1)
    with pytest.raises(Unsupported, match=r"vol\[0\].*mc_naive"):
        price(delayed, one_clock(0.3, charge=None), method="occupation")
    level = PiecewiseMarket(100.0, (0.25,), (0.02, 0.06), (0.0, 0.04), (0.3, 0.3))
    flat = BlackScholesMarket(100.0, 0.05, 0.03, 0.3)
    expected = price(delayed, flat, method="occupation").price
    found = price(delayed, level, method="occupation").price
    assert found == pytest.approx(expected, rel=1e-12)


def test_paths_charge_by_intervals_too() -> None:
    market = one_clock(0.3)
    exact = price(CONTRACTS["down"], market).price
    found = price(CONTRACTS["down"], market, method="mc_bridge", seed=3)
    assert abs(found.price - exact) < 4.5 * found.std_error
