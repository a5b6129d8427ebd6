"""Contracts solved together: as each by itself, with walls where a rate is infinite."""

from __future__ import annotations

import csv
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from heliostat_methods.step_options import BlackScholesMarket, StepOption, price
from heliostat_methods.step_options.book.closed_form import price_together
from heliostat_methods.step_options.book.solving import SCALARS
from heliostat_methods.step_options.book.terms import Terms
from heliostat_methods.step_options.contracts.result import Result

TABLE = Path(__file__).parent.parent / "reference_prices.csv"


def reference_rows() -> list[dict[str, str]]:
    with TABLE.open() as file:
        return list(csv.DictReader(file))


def numbers(text: str) -> tuple[float, ...]:
    return tuple(map(float, text.split(";")))


def terms(row: dict[str, str], **more: Any) -> Terms:
    option = StepOption(
        row["kind"], float(row["strike"]), float(row["maturity"]), numbers(row["levels"]),
        numbers(row["rates"]), gamma=float(row["gamma"]), allow_accrual=True, **more,
    )  # fmt: skip
    names = ("spot", "rate", "dividend", "vol")
    market = BlackScholesMarket(*(float(row[name]) for name in names))
    return Terms(option, market, "laplace", 1.0)


def alone(kind: str, barriers: Any, rates: Any, *, spot: float = 100.0, strike: float = 100.0,
          dividend: float = 0.02, vol: float = 0.3, **more: Any) -> Terms:  # fmt: skip
    option = StepOption(kind, strike, 1.0, barriers, rates, **more)
    market = BlackScholesMarket(spot, 0.05, dividend, vol)
    return Terms(option, market, "laplace", 1.0)


def test_the_reference_prices_come_out_of_one_call() -> None:
    rows = reference_rows()
    found = price_together([terms(row) for row in rows], greeks=True)
    on_barrier = [row["spot"] in row["levels"].split(";") for row in rows]
    assert [result is None for result in found] == on_barrier  # two values of gamma: left alone
    for row, result in zip(rows, found, strict=True):
        if result is None:
            continue
        assert result.price == pytest.approx(float(row["price"]), rel=1e-9), row["id"]
        assert result.delta == pytest.approx(float(row["delta"]), rel=1e-8)
        assert result.gamma == pytest.approx(float(row["gamma_greek"]), rel=1e-8)


def test_without_sensitivities_price_delta_and_gamma_are_the_same() -> None:
    some = [terms(row) for row in reference_rows()[1::3] if row["spot"] != "90"]
    for whole, less in zip(price_together(some, True), price_together(some, False), strict=True):
        assert whole is not None and less is not None
        assert dict(less.sensitivities) == {}
        for name in ("price", "delta", "gamma", "abs_error_estimate"):
            assert getattr(less, name) == pytest.approx(getattr(whole, name), rel=1e-7, abs=1e-11)


ALONE = [0, 7, 15, 24, 32, 35]


@pytest.mark.parametrize("knock", ["out", "in"])
def test_every_sensitivity_is_that_of_a_run_of_one_contract(knock: str) -> None:
    rows = [reference_rows()[i] for i in ALONE]
    contracts = [terms(row, knock=knock) for row in rows]
    for one, found in zip(contracts, price_together(contracts, greeks=True), strict=True):
        single = price(one.option, one.market, greeks=True)
        assert found is not None
        assert found.price == pytest.approx(single.price, rel=1e-10, abs=1e-12)
        assert set(found.sensitivities) == set(single.sensitivities)
        for name, value in single.sensitivities.items():
            np.testing.assert_allclose(
                found.sensitivities[name], value, rtol=1e-7, atol=1e-8, err_msg=name
            )


# QuantLib's AnalyticBarrierEngine and AnalyticDoubleBarrierEngine
KNOCK_OUTS = [
    (alone("call", (90.0,), (math.inf, 0.0)), 8.510761494328),
    (alone("call", (80.0, 130.0), (math.inf, 0.0, math.inf)), 1.040985529341),
    (alone("put", (80.0, 130.0), (math.inf, 0.0, math.inf)), 0.613950175962),
]


def test_an_infinite_rate_is_a_true_knock_out() -> None:
    found = price_together([contract for contract, _ in KNOCK_OUTS], greeks=True)
    for result, (_, value) in zip(found, KNOCK_OUTS, strict=True):
        assert result is not None and result.price == pytest.approx(value, rel=1e-10)


def test_what_lies_beyond_a_wall_changes_nothing_and_has_no_sensitivity() -> None:
    near = alone("call", (90.0, 130.0), (math.inf, 1.0, 4.0))
    far = alone("call", (70.0, 80.0, 90.0, 130.0), (3.0, 0.0, math.inf, 1.0, 4.0))
    one, other = price_together([near, far], greeks=True)
    assert one is not None and other is not None
    assert other.price == pytest.approx(one.price, rel=1e-12)
    np.testing.assert_array_equal(other.sensitivities["d_levels"][:2], [0.0, 0.0])
    np.testing.assert_array_equal(other.sensitivities["d_rates"][:3], [0.0, 0.0, 0.0])
    np.testing.assert_allclose(other.sensitivities["d_levels"][2:], one.sensitivities["d_levels"])
    np.testing.assert_allclose(other.sensitivities["d_rates"][3:], one.sensitivities["d_rates"][1:])


def test_a_spot_on_or_beyond_a_wall_is_worth_nothing_and_the_rest_in_a_knock_in() -> None:
    walls: Any = {"barriers": (90.0,), "rates": (math.inf, 0.0)}
    out, edge, inside = price_together(
        [alone("put", **walls, spot=80.0), alone("put", **walls, spot=90.0),
         alone("put", **walls, spot=80.0, knock="in")], greeks=True,
    )  # fmt: skip
    assert out is not None and edge is not None and inside is not None
    assert (out.price, out.delta, out.vega, edge.price) == (0.0, 0.0, 0.0, 0.0)
    vanilla = price(alone("put", (90.0,), (0.0, 0.0), spot=80.0).option,
                    BlackScholesMarket(80.0, 0.05, 0.02, 0.3))  # fmt: skip
    assert inside.price == pytest.approx(vanilla.price, rel=1e-10)


@pytest.mark.parametrize("kind", ["call", "put", "digital", "unit", "asset"])
@pytest.mark.parametrize("strike", [60.0, 90.0, 100.0, 130.0, 150.0])
def test_a_large_rate_comes_near_the_wall_wherever_the_strike_lies(
    kind: str, strike: float
) -> None:
    wall = alone(kind, (90.0, 130.0), (math.inf, 0.0, math.inf), strike=strike)
    steep = alone(kind, (90.0, 130.0), (1e12, 0.0, 1e12), strike=strike)
    one, other = price_together([wall, steep], greeks=False)
    assert one is not None and other is not None
    assert one.price == pytest.approx(other.price, rel=1e-4, abs=1e-5)


def differences(option: StepOption, market: BlackScholesMarket) -> dict[str, float]:
    """Central differences of prices that one call gives."""
    names = {"vega": ("vol", 1e-4), "d_rate": ("rate", 1e-5), "d_dividend": ("dividend", 1e-5),
             "delta": ("spot", 1e-3)}  # fmt: skip
    moved = []
    for field, step in names.values():
        for sign in (1, -1):
            values = {name: getattr(market, name) for name in ("spot", "rate", "dividend", "vol")}
            values[field] += sign * step
            moved.append(Terms(option, BlackScholesMarket(**values), "laplace", 1.0))
    prices = [float(found.price) for found in price_together(moved, False) if found is not None]
    return {name: (prices[2 * i] - prices[2 * i + 1]) / (2 * step)
            for i, (name, (_, step)) in enumerate(names.items())}  # fmt: skip


@pytest.mark.parametrize("contract", [contract for contract, _ in KNOCK_OUTS])
def test_sensitivities_of_a_knock_out_are_slopes_of_its_price(contract: Terms) -> None:
    (found,) = price_together([contract], greeks=True)
    assert isinstance(found, Result)
    for name, value in differences(contract.option, contract.market).items():  # type: ignore[arg-type]
        mine = found.delta if name == "delta" else found.sensitivities[name]
        assert mine == pytest.approx(value, rel=2e-5, abs=1e-6), name


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    kind=st.sampled_from(["call", "put", "digital", "unit", "asset"]),
    spot=st.floats(60, 160), strike=st.floats(60, 160), vol=st.floats(0.02, 1.5),
    rate=st.floats(-0.2, 0.3), dividend=st.floats(-0.2, 0.3), maturity=st.floats(1e-3, 10),
    gamma=st.floats(-0.3, 0.3), knock=st.sampled_from(["out", "in"]),
    rates=st.tuples(*[st.one_of(st.floats(0, 50), st.just(math.inf), st.just(0.0))] * 3),
)  # fmt: skip
def test_a_price_given_together_is_sure_and_scales_with_its_unit(
    kind: str, spot: float, strike: float, vol: float, rate: float, dividend: float,
    maturity: float, gamma: float, knock: str, rates: tuple[float, ...],
) -> None:  # fmt: skip
    def contract(unit: float) -> Terms:
        barriers = (80.0 * unit, 120.0 * unit)
        option = StepOption(kind, strike * unit, maturity, barriers, rates, gamma, knock=knock)
        return Terms(option, BlackScholesMarket(spot * unit, rate, dividend, vol), "laplace", 1.0)

    one, scaled = price_together([contract(1.0), contract(7.0)], greeks=True)
    assert (one is None) == (scaled is None)
    if one is None or scaled is None:
        return
    unit = 1.0 if kind in ("digital", "unit") else 7.0
    slack = 1e-8 * max(spot, strike)
    assert one.price >= -slack
    assert scaled.price == pytest.approx(unit * one.price, rel=1e-6, abs=slack)
    assert scaled.delta == pytest.approx(unit / 7.0 * one.delta, rel=1e-4, abs=1e-4)
    assert all(math.isfinite(one.sensitivities[name]) for name in SCALARS)


def test_no_warning_of_a_library_comes_with_sensitivities_beside_walls() -> None:
    import warnings

    import torch

    market = BlackScholesMarket(100, 0.05, 0.0, 0.3)
    option = StepOption("call", 100, 1, (90, 100), (math.inf, 5, 0))
    always = torch.is_warn_always_enabled()
    torch.set_warn_always(True)  # else once in a process, by whichever test comes first
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            found = price(option, market, greeks=True)
    finally:
        torch.set_warn_always(always)
    assert found.sensitivities["vega"] == pytest.approx(10.48157275, rel=1e-8)


def test_no_more_contracts_are_differentiated_at_once_than_memory_is_meant_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from heliostat_methods.step_options.book import closed_form

    asked: list[int] = []
    right = closed_form.differentiate

    def counting(contracts: Any, nodes: int) -> Any:
        asked.append(len(contracts))
        return right(contracts, nodes)

    market = BlackScholesMarket(100, 0.05, 0.0, 0.3)
    book = [Terms(StepOption("call", strike, 1, (90,), (5, 0)), market, "laplace", 1.0)
            for strike in range(101, 106)]  # fmt: skip
    whole = price_together(book, greeks=True)
    monkeypatch.setattr(closed_form, "differentiate", counting)
    monkeypatch.setattr(closed_form, "TOGETHER", 2)
    parted = price_together(book, greeks=True)
    assert asked == [2, 2, 1]
    for one, other in zip(whole, parted, strict=True):
        assert one is not None and other is not None
        assert one.sensitivities["vega"] == pytest.approx(other.sensitivities["vega"], rel=1e-12)
