"""Volatility surfaces from tables and forms, and the equation that prices in them."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

from heliostat_methods.step_options import (
    BlackScholesMarket,
    InvalidInput,
    double_step,
    down_step,
    price,
)
from heliostat_methods.step_options.closed_form.black_scholes import black_scholes
from heliostat_methods.step_options.contracts.volatility_surface import (
    parametric_surface,
    read_surface,
    surface_from_file,
)

TABLE = """,80,100,130
0,0.40,0.30,0.25
0.5,0.36,0.28,0.24
2,0.30,0.26,0.22
"""
OPTION = down_step("call", 100.0, 1.0, 90.0, 5.0, gamma=0.02)


def table(folder: Path, text: str) -> Path:
    path = folder / "surface.csv"
    path.write_text(text)
    return path


def test_table_is_bilinear_in_log_price_and_time(tmp_path: Path) -> None:
    market = surface_from_file(100.0, 0.05, 0.0, table(tmp_path, TABLE))
    quotes = [(80.0, 0.0, 0.40), (100.0, 0.5, 0.28), (130.0, 2.0, 0.22), (100.0, 2.0, 0.26)]
    for level, t, vol in quotes:
        assert market.vol_at(math.log(level), t) == pytest.approx(vol, abs=2e-4)
    halfway = (0.28 + 0.26) / 2
    assert market.vol_at(math.log(100.0), 1.25) == pytest.approx(halfway, abs=2e-4)
    assert market.vol_at(math.log(10.0), 9.0) == pytest.approx(0.30)  # nearest quote
    between = math.log(math.sqrt(80.0 * 100.0))
    assert market.vol_at(between, 0.0) == pytest.approx(0.35, abs=2e-4)


def test_even_table_is_taken_as_it_is(tmp_path: Path) -> None:
    levels = [repr(100 * math.exp(x)) for x in (-0.2, 0.0, 0.2)]
    text = f",{','.join(levels)}\n0,.4,.3,.2\n1,.5,.4,.3\n"
    market = surface_from_file(100.0, 0.05, 0.0, table(tmp_path, text))
    np.testing.assert_array_equal(market.vols, [[0.4, 0.3, 0.2], [0.5, 0.4, 0.3]])


@pytest.mark.parametrize(
    "text, message",
    [
        (TABLE.replace("0.28", "-1"), "line 3 volatility 2 = '-1'"),
        (TABLE.replace("0.28", "x"), "line 3 volatility 2 = 'x'"),
        (TABLE.replace(",80,100", ",100,80"), "levels = 80.0"),
        (TABLE.replace("\n2,", "\n0.2,"), "times = 0.2"),
        (TABLE.replace("0.5,", "0.5,0.1,"), "line 3 = 5: expected 4 cells"),
        (TABLE.replace("\n0,", "\n-1,"), "line 2 time = '-1'"),
        (",80,100\n0,.3,.3\n", "two levels and two times"),
    ],
)
def test_bad_table_is_named_by_line_and_cell(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(InvalidInput) as error:
        read_surface(table(tmp_path, text))
    assert message in str(error.value)


def test_absent_table_names_the_file_beside_it(tmp_path: Path) -> None:
    table(tmp_path, TABLE)
    with pytest.raises(InvalidInput, match=r"did you mean .*surface\.csv"):
        read_surface(tmp_path / "surfaces.csv")


@pytest.mark.parametrize("form, more", [("cev", {"beta": 1.0}), ("displaced", {"shift": 0.0})])
def test_forms_contain_black_scholes(form: str, more: dict[str, float]) -> None:
    market = parametric_surface(form, 100.0, 0.05, 0.01, 0.3, maturity=1.0, level=90.0, **more)
    flat = BlackScholesMarket(100.0, 0.05, 0.01, 0.3)
    for option in (OPTION, double_step("put", 100.0, 1.0, (85.0, 120.0), 4.0)):
        found = price(option, market, method="pde")
        assert abs(found.price - price(option, flat).price) <= found.abs_error_estimate


def test_displaced_vanilla_has_its_closed_form() -> None:
    # with r = q = 0, S + shift is lognormal: a call on it with the strike moved as well
    shift, vol = 40.0, 0.3
    market = parametric_surface(
        "displaced", 100.0, 0.0, 0.0, vol, maturity=1.0, level=100.0, shift=shift
    )
    free = down_step("call", 105.0, 1.0, 90.0, 0.0)
    exact = black_scholes("call", 140.0, 145.0, 0.0, 0.0, vol * 100.0 / 140.0, 1.0)
    found = price(free, market, method="pde")
    assert found.price == pytest.approx(float(exact), rel=1e-4)


def test_paths_and_equation_agree_in_a_skew() -> None:
    high = down_step("call", 130.0, 1.0, 90.0, 5.0, gamma=0.02)
    market = parametric_surface("cev", 100.0, 0.05, 0.01, 0.3, maturity=1.0, level=100.0, beta=-0.5)
    exact = price(high, market, method="pde")
    paths = price(high, market, method="mc_bridge", n_steps=32, n_paths=1 << 15, seed=2)
    allowed = 4.5 * paths.std_error + exact.abs_error_estimate
    assert abs(exact.price - paths.price) < allowed
    flat = price(high, BlackScholesMarket(100.0, 0.05, 0.01, 0.3)).price
    assert abs(exact.price - flat) > 5 * allowed  # the skew shows
