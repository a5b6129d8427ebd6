"""The path integral on a grid: any drift, rate and number of slices, to eleven digits."""

from __future__ import annotations

import math
from typing import Any

import pytest
from step_contracts import ROWS, contract

from heliostat_methods.step_options import (
    BlackScholesMarket,
    PiecewiseMarket,
    StepOption,
    Unsupported,
    double_step,
    down_step,
    price,
    up_step,
)

INF = math.inf


@pytest.mark.parametrize("slices", [1, 3, 9])
def test_reference_prices_to_ten_digits(slices: int) -> None:
    for row in ROWS[::4]:
        (option, market), exact = contract(row), float(row["price"])
        found = price(option, market, method="path_integral_grid", slices=slices)
        assert found.price == pytest.approx(exact, rel=1e-10)
        assert abs(found.price - exact) <= found.abs_error_estimate + 1e-12 * exact


HARD: dict[str, tuple[StepOption, tuple[float, ...]]] = {
    "drift": (double_step("call", 100.0, 2.0, (80.0, 125.0), 5.0, gamma=-0.3),
              (100.0, 0.05, 0.01, 0.1)),
    "hardly any volatility": (down_step("call", 100.0, 1.0, 90.0, 5.0), (200.0, 0.0, 0.2, 0.003)),
    "huge rate": (StepOption("put", 100.0, 1.0, (80.0, 90.0, 95.0), (0.0, 1e6, 5.0, 0.0)),
                  (92.0, 0.05, 0.02, 0.3)),
    "fifty years": (down_step("call", 100.0, 50.0, 60.0, 0.5), (100.0, 0.05, 0.0, 3.0)),
    "a knock-out": (down_step("call", 100.0, 1.0, 90.0, INF), (100.0, 0.05, 0.02, 0.3)),
    "two walls": (StepOption("put", 100.0, 1.0, (80.0, 130.0), (INF, 0.0, INF)),
                  (100.0, 0.05, 0.02, 0.3)),
    "inner wall": (StepOption("put", 100.0, 1.0, (80.0, 90.0, 95.0), (0.0, INF, 5.0, 0.0)),
                   (100.0, 0.05, 0.02, 0.3)),
}  # fmt: skip


@pytest.mark.parametrize("slices", [1, 4, 15])
@pytest.mark.parametrize("name", HARD)
def test_hard_contracts(name: str, slices: int) -> None:
    option, numbers = HARD[name]
    market = BlackScholesMarket(*numbers)
    exact = price(option, market)
    found = price(option, market, method="path_integral_grid", slices=slices)
    allowed = found.abs_error_estimate + exact.abs_error_estimate
    assert abs(found.price - exact.price) <= allowed < 1e-8


def test_what_was_found_by_others() -> None:
    # origin: Talbot inversion with 200 nodes and 440 digits (mpmath)
    found = price(*_of("drift"), method="path_integral_grid")
    assert found.price == pytest.approx(0.011506652615, abs=1e-11)
    corridor = StepOption("call", 100.0, 10.0, (97.0, 100.0), (0.0, 500.0, 0.0))
    market = BlackScholesMarket(100.0, 0.05, 0.02, 0.3)
    found = price(corridor, market, method="path_integral_grid", slices=2)
    assert found.price == pytest.approx(1.0916090714, abs=1e-9)


def _of(name: str) -> tuple[StepOption, BlackScholesMarket]:
    option, numbers = HARD[name]
    return option, BlackScholesMarket(*numbers)


def test_intervals_need_no_more_slices_than_they_are() -> None:
    market = PiecewiseMarket(100.0, (0.3, 0.7), (0.02, 0.05, 0.07), (0.0, 0.03, 0.01),
                             (0.2, 0.35, 0.25), (1.0, 0.0, 2.0))  # fmt: skip
    for rates in ((5.0, 0.0, 3.0), (INF, 0.0, 4.0)):
        option = StepOption("call", 100.0, 1.0, (85.0, 120.0), rates)
        few, many = (
            price(option, market, method="path_integral_grid", slices=n).price for n in (3, 12)
        )
        assert few == pytest.approx(many, rel=1e-10)


def test_a_spot_that_is_knocked_out_is_worth_nothing() -> None:
    market = BlackScholesMarket(100.0, 0.05, 0.02, 0.3)
    for barrier in (100.0, 120.0):
        found = price(down_step("call", 90.0, 1.0, barrier, INF), market,
                      method="path_integral_grid")  # fmt: skip
        assert found.price == 0 <= found.abs_error_estimate < 1e-12
    alive = up_step("put", 90.0, 1.0, 120.0, INF)
    assert price(alive, market, method="path_integral_grid").price > 1


def test_a_grid_that_memory_does_not_hold_is_refused() -> None:
    settings: dict[str, Any] = {"slices": 1000, "panel_nodes": 64}
    with pytest.raises(Unsupported, match="slices"):
        price(*_of("hardly any volatility"), method="path_integral_grid", **settings)
