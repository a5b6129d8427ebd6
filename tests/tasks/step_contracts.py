"""Contracts whose price is known, for the tests of step options."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import pytest

from heliostat_methods.step_options import BlackScholesMarket, StepOption, double_step, down_step

MARKET = BlackScholesMarket(100.0, 0.05, 0.02, 0.3)
DOWN = down_step("call", 100.0, 1.0, 90.0, 5.0, gamma=0.05)
EXACT = 11.3113251906
"""The price of DOWN in MARKET: Laplace transform, occupation density and states agree to 1e-13."""
DOUBLE = double_step("call", 100.0, 1.0, (90.0, 120.0), (3.0, 8.0), gamma=0.02)

_TABLE = Path(__file__).parent.parent / "unit" / "step_options" / "reference_prices.csv"
with _TABLE.open() as file:
    ROWS = list(csv.DictReader(file))
"""Reference prices. Origin: fixed Talbot inversion with 60 nodes and 50 digits (mpmath).

A second computation agrees, relatively: for one barrier (AS) the occupation density to 4e-12, for
two (AD) the full spectral expansion to 8e-14, for staircases (AM) spectral elements to 2e-11.
"""


def contract(row: dict[str, str]) -> tuple[StepOption, BlackScholesMarket]:
    """Return the option and the market of a row."""
    option = StepOption(
        kind=row["kind"],
        strike=float(row["strike"]),
        maturity=float(row["maturity"]),
        barriers=tuple(map(float, row["levels"].split(";"))),
        rates=tuple(map(float, row["rates"].split(";"))),
        gamma=float(row["gamma"]),
        allow_accrual=True,
    )
    market = BlackScholesMarket(
        float(row["spot"]), float(row["rate"]), float(row["dividend"]), float(row["vol"])
    )
    return option, market


def over(rows: list[dict[str, str]]) -> Any:
    """Run a test with each of some rows, called after them."""
    return pytest.mark.parametrize("row", rows, ids=[row["id"] for row in rows])
