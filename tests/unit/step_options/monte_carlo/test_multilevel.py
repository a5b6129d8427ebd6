"""Levels stop at an error in proportion to what is priced."""

import dataclasses

import pytest

from heliostat_methods.step_options import BlackScholesMarket, StepOption, price
from heliostat_methods.step_options.monte_carlo.multilevel import default_tolerance

CALL = StepOption("call", 100.0, 1.0, (90.0,), (5.0, 0.0))
MARKET = BlackScholesMarket(100.0, 0.05, 0.02, 0.3)


def scaled(units: float) -> tuple[StepOption, BlackScholesMarket]:
    option = dataclasses.replace(CALL, strike=100.0 * units, barriers=(90.0 * units,))
    return option, dataclasses.replace(MARKET, spot=100.0 * units)


@pytest.mark.parametrize("units", [2.0**-10, 2.0**10])
def test_other_units_of_price_cost_the_same_and_give_the_same(units: float) -> None:
    plain = price(CALL, MARKET, method="mlmc")
    other = price(*scaled(units), method="mlmc")
    assert other.n_evals == plain.n_evals
    assert other.price / units == pytest.approx(plain.price, rel=1e-9)
    assert other.std_error / units == pytest.approx(plain.std_error, rel=1e-6)


def test_a_weight_that_grows_ends_with_an_error_in_proportion() -> None:
    option = StepOption("call", 100.0, 1.0, (80.0, 125.0), (-20.0, 0.0, -20.0), allow_accrual=True)
    right = price(option, MARKET)
    found = price(option, MARKET, method="mlmc")
    assert found.n_evals < 1 << 24
    assert "taken_over" not in found.details
    assert abs(found.price - right.price) <= 4.5 * found.std_error + found.details["bias"]


def test_a_hundred_has_the_tolerance_of_two_cents() -> None:
    assert default_tolerance(CALL, MARKET) == pytest.approx(0.02)
    digital = dataclasses.replace(CALL, kind="digital")
    assert default_tolerance(digital, MARKET) == 0.02
