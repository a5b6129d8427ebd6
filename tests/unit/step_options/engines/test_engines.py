"""Engines beside the closed form: PDE, path-integral grid, quasi-random points, levels, chains."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from step_contracts import DOWN, EXACT, MARKET, ROWS, contract, over

from heliostat_methods.step_options import (
    BlackScholesMarket,
    LaplaceInverter,
    LocalVolMarket,
    PiecewiseMarket,
    StepOption,
    Unsupported,
    double_step,
    down_step,
    price,
)

every_row, some_rows = over(ROWS), over(ROWS[1::5])


@every_row
def test_pde(row: dict[str, str]) -> None:
    (option, market), exact = contract(row), float(row["price"])
    result = price(option, market, method="pde")
    assert result.price == pytest.approx(exact, rel=1e-4)
    assert abs(result.price - exact) <= result.abs_error_estimate
    if market.spot not in option.levels_at(0.0):  # where the second derivative jumps
        assert result.delta == pytest.approx(float(row["delta"]), rel=2e-3, abs=1e-5)


@every_row
def test_path_integral_grid(row: dict[str, str]) -> None:
    (option, market), exact = contract(row), float(row["price"])
    result = price(option, market, method="path_integral_grid")
    assert result.price == pytest.approx(exact, rel=2e-6)
    assert abs(result.price - exact) <= result.abs_error_estimate


@every_row
def test_bridge_weights_with_one_step(row: dict[str, str]) -> None:
    (option, market), exact = contract(row), float(row["price"])
    result = price(option, market, method="mc_bridge", n_paths=1 << 15, seed=3)
    assert abs(result.price - exact) < 4.5 * result.std_error


@some_rows
def test_quasi_random_points(row: dict[str, str]) -> None:
    (option, market), exact = contract(row), float(row["price"])
    result = price(option, market, method="rqmc", seed=4)
    # 16 scrambles: Student's t with 15 degrees, 6 of its errors are one in 40,000
    assert abs(result.price - exact) < 6 * result.std_error + 1e-6


@some_rows
def test_multilevel_and_its_corrections_are_unbiased(row: dict[str, str]) -> None:
    (option, market), exact = contract(row), float(row["price"])
    result = price(option, market, method="mlmc", tolerance=0.05, seed=5)
    assert abs(result.price - exact) < 4.5 * result.std_error
    for _, n, mean, variance in result.details["levels"][1:]:
        assert abs(mean) < 4.5 * np.sqrt(variance / n)


def test_metropolis() -> None:
    (option, market), exact = contract(ROWS[1]), float(ROWS[1]["price"])
    result = price(option, market, method="metropolis", seed=6)
    assert abs(result.price - exact) < 4.5 * result.std_error
    assert result.details["acceptance"] == pytest.approx(0.45, abs=0.03)
    assert result.details["r_hat"] < 1.01
    slow = price(option, market, method="metropolis", beta=0.3, iterations=4000, seed=6)
    ratio = slow.details["autocorrelation_time"] / result.details["autocorrelation_time"]
    assert ratio > 2  # small moves mix badly


def test_naive_sum_is_biased_and_says_nothing_of_it() -> None:
    # it is off by +.0626 with 12 steps and by +.0096 with 52
    bias = {}
    for steps in (4, 12):
        found = price(DOWN, MARKET, method="mc_naive", n_steps=steps, n_paths=1 << 18, seed=7)
        bias[steps] = (found.price - EXACT) / found.std_error
    assert bias[4] > 10
    assert bias[4] > bias[12]


@pytest.mark.parametrize("amortisation, expected", [("simple", 13.242126755),
                                                    ("delayed", 12.589492139)])  # fmt: skip
def test_naive_sum_prices_any_weight(amortisation: str, expected: float) -> None:
    more: dict[str, Any] = {"amortisation": amortisation}
    if amortisation == "delayed":
        more["window"] = 0.1
    option = down_step("call", 100.0, 1.0, 90.0, 2.0, **more)
    market = BlackScholesMarket(100.0, 0.05, 0.0, 0.3)
    found = price(option, market, method="mc_naive", n_steps=500, n_paths=1 << 15, seed=8)
    assert found.price == pytest.approx(expected, abs=4.5 * found.std_error + 0.02)


def test_barriers_that_grow_apart_have_no_closed_form_but_a_pde() -> None:
    market = BlackScholesMarket(100.0, 0.05, 0.0, 0.3)
    apart = StepOption("call", 100.0, 1.0, (85.0, 125.0), (5.0, 0.0, 5.0), gamma=(0.0, 0.05))
    with pytest.raises(Unsupported, match="pde"):
        price(apart, market)
    found = price(apart, market, method="pde").price
    still = [
        price(double_step("call", 100.0, 1.0, (85.0, upper), 5.0), market).price
        for upper in (125.0, 125.0 * np.exp(0.05))
    ]
    assert still[0] < found < still[1]


def test_parameters_that_change_in_time() -> None:
    option = down_step("call", 100.0, 1.0, 90.0, 5.0, gamma=0.02)
    changing = PiecewiseMarket(100.0, (0.4,), (0.02, 0.06), (0.0, 0.01), (0.2, 0.35))
    with pytest.raises(Unsupported, match=r"dividend\[0\].*path_integral_grid"):
        price(option, changing)
    pde = price(option, changing, method="pde")
    grid = price(option, changing, method="path_integral_grid", slices=5)
    assert abs(pde.price - grid.price) < pde.abs_error_estimate
    constant = PiecewiseMarket(100.0, (0.4,), (0.05, 0.05), (0.0, 0.0), (0.3, 0.3))
    same = price(option, BlackScholesMarket(100.0, 0.05, 0.0, 0.3)).price
    assert price(option, constant, method="path_integral_grid").price == pytest.approx(
        same, rel=1e-8
    )


def test_local_volatility_that_is_flat_is_black_scholes() -> None:
    option = down_step("call", 100.0, 1.0, 90.0, 5.0, gamma=0.02)
    flat = LocalVolMarket.from_function(
        100.0, 0.05, 0.0, lambda s, t: 0.3 + 0 * s * t, horizon=1.0, low=2.0, high=7.0
    )
    exact = price(option, BlackScholesMarket(100.0, 0.05, 0.0, 0.3)).price
    found = price(option, flat, method="mc_bridge", n_steps=4, n_paths=1 << 17, antithetic=True)
    assert abs(found.price - exact) < 4.5 * found.std_error


@pytest.mark.parametrize("strategy, digits", [("hyperbola", 1e-11), ("talbot", 1e-9),
                                              ("euler", 1e-7), ("gaver", 1e-6)])  # fmt: skip
def test_inverters_agree(strategy: str, digits: float) -> None:
    # the transform of t e^{-t}
    found = LaplaceInverter(strategy).invert(lambda s: 1 / (s + 1) ** 2, 0.7)
    assert found == pytest.approx(0.7 * np.exp(-0.7), abs=digits)
