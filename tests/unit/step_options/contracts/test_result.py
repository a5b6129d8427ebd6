"""A result prints as one line, whatever it holds."""

from __future__ import annotations

import numpy as np

from heliostat_methods.step_options import BlackScholesMarket, Result, down_step, price

OPTION, MARKET = down_step("call", 100, 1, 90, 2), BlackScholesMarket(100, 0.05, 0, 0.3)


def test_a_price_prints_its_digits_its_error_and_its_engine() -> None:
    text = repr(price(OPTION, MARKET, greeks=True))
    assert (
        text.startswith("Result(13.4432917")
        and "by laplace, delta 0.68294, gamma 0.0082635" in text
    )
    assert "sensitivities)" in text and "\n" not in text and len(text) < 120
    random = Result(13.4, "mc_bridge", 0.02, 0.01, details={"taken_over": "pde failed"})
    assert repr(random) == "Result(13.4 +- 2.0e-02 by mc_bridge, another engine took over)"


def test_many_prices_print_as_a_range() -> None:
    market = BlackScholesMarket(np.linspace(70.0, 130.0, 50), 0.05, 0, 0.3)
    text = repr(price(OPTION, market))
    assert text.startswith("Result(50 prices from 0.") and "errors up to" in text
    assert "\n" not in text and len(text) < 120


def test_odd_numbers_print_too() -> None:
    assert repr(Result(0.0, "laplace", 0.0)).startswith("Result(0 +- ")
    assert "nan" in repr(Result(float("nan"), "pde", float("inf")))
