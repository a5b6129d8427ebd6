"""Paths whose steps freeze a volatility that moves say what that does to the price."""

import math

import numpy as np
import pytest

from heliostat_methods.step_options import HestonMarket, LocalVolMarket, StepOption, price
from heliostat_methods.step_options.book.agreement import allowed
from heliostat_methods.step_options.monte_carlo.frozen_volatility import freezing_bias

CALL = StepOption("call", 100.0, 1.0, (90.0,), (5.0, 0.0))


def surface(vol: object, spot: float = 100.0) -> LocalVolMarket:
    return LocalVolMarket.from_function(
        spot, 0.05, 0.02, vol, horizon=1, low=math.log(20), high=math.log(500)
    )


CEV = surface(lambda s, t: 0.3 * (s / 100) ** -0.5)
SMILE = surface(lambda s, t: 0.2 + 0.2 * np.abs(np.log(s / 100)))
LATER = surface(lambda s, t: 0.2 + 0.3 * t + 0 * s)


@pytest.mark.parametrize("method", ["mc_bridge", "rqmc"])
@pytest.mark.parametrize("steps", [1, 2, 8])
@pytest.mark.parametrize("market", [CEV, SMILE, LATER])
@pytest.mark.parametrize("option", [
    CALL, StepOption("digital", 100.0, 1.0, (90.0,), (5.0, 0.0)),
])  # fmt: skip
def test_stated_error_holds_what_few_steps_leave_out(
    option: StepOption, market: LocalVolMarket, steps: int, method: str
) -> None:
    right = float(price(option, market, method="pde").price)
    found = price(option, market, method=method, n_steps=steps, seed=3)
    stated = {"std_error": found.std_error, "abs_error": found.abs_error_estimate}
    assert abs(found.price - right) <= allowed(stated)
    assert found.details["bias"] > 0


def test_one_step_of_a_surface_is_far_off_and_says_so() -> None:
    digital = StepOption("digital", 100.0, 1.0, (90.0,), (5.0, 0.0))
    found = price(digital, CEV, method="rqmc")
    # the right price is .3936: without the bias it would be off by hundreds of its errors
    assert abs(found.price - 0.39363) > 100 * found.std_error
    assert abs(found.price - 0.39363) < found.abs_error_estimate < 0.05


def test_heston_with_few_steps_states_its_bias() -> None:
    market = HestonMarket(100, 0.05, 0.02, 0.09, 1.5, 0.06, 0.4, -0.6)
    hard = StepOption("call", 100.0, 1.0, (90.0,), (50.0, 0.0))
    found = price(hard, market, method="mc_bridge", n_steps=4)
    # from a finite difference in two dimensions, 9.2120 +- .0005
    assert 4.5 * found.std_error < abs(found.price - 9.2120) < found.abs_error_estimate


def test_a_bias_stands_beside_the_luck_of_a_sample() -> None:
    assert allowed({"std_error": 0.1, "abs_error": 0.2}) == 4.5 * 0.1
    assert allowed({"std_error": 0.1, "abs_error": 0.5}) == pytest.approx(0.75)
    assert allowed({"std_error": None, "abs_error": 0.5}) == 0.5


def test_more_steps_leave_less_bias() -> None:
    one, few, many = (freezing_bias(CALL, CEV, n, 3) for n in (1, 8, 64))
    assert one > few > many > 0


def test_a_volatility_that_does_not_move_is_not_frozen() -> None:
    flat = surface(lambda s, t: 0.3 + 0 * s)
    assert freezing_bias(CALL, flat, 1, 0) == 0.0
    assert "bias" not in price(CALL, flat, method="rqmc").details
