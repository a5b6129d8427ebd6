"""No price passes that is no number, outside its bounds or too unsure; another takes over."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import numpy as np
import pytest

from heliostat_methods.step_options import (
    BasketMarket,
    BlackScholesMarket,
    HestonMarket,
    InvalidInput,
    LocalVolMarket,
    PiecewiseMarket,
    Result,
    StepOption,
    Unsupported,
    double_step,
    down_step,
    price,
)
from heliostat_methods.step_options.closed_form import occupation
from heliostat_methods.step_options.closed_form.black_scholes import black_scholes
from heliostat_methods.step_options.contracts.reduced import reduce
from heliostat_methods.step_options.engines.gate import (
    NO_NUMBER,
    PASSES,
    TOO_HIGH,
    TOO_LOW,
    TOO_UNSURE,
    bounds_of,
    default_limit,
    judge,
    row_bounds,
)
from heliostat_methods.step_options.engines.pricing import ENGINES
from heliostat_methods.step_options.monte_carlo import independent_paths

MARKET = BlackScholesMarket(100.0, 0.05, 0.02, 0.3)
DOWN = down_step("call", 100.0, 1.0, 90.0, 5.0)
EXACT = price(DOWN, MARKET).price


def answering(found: float, error: float) -> Any:
    """Return an engine that always says the same."""

    def engine(option: StepOption, market: Any, greeks: bool = False, nodes: int = 8) -> Result:
        return Result(price=found, method="occupation", abs_error_estimate=error)

    return engine


@pytest.mark.parametrize(
    "found, error, why",
    [(math.nan, 0.0, "no price"), (math.inf, 0.0, "no price"), (3.9e57, 1e-9, "outside its bounds"),
     (-6.4e8, 1e-9, "outside its bounds"), (1.3e16, 1.0, "outside its bounds"),
     (-139.6, 0.0, "outside its bounds"), (EXACT, math.nan, "stated error of nan"),
     (EXACT, 5.0, "stated error of 5, above")],
)  # fmt: skip
def test_another_engine_takes_over(
    monkeypatch: pytest.MonkeyPatch, found: float, error: float, why: str
) -> None:
    monkeypatch.setattr(occupation, "price_occupation", answering(found, error))
    result = price(DOWN, MARKET, method="occupation")
    assert result.price == pytest.approx(EXACT, abs=1e-9)
    assert result.method == "laplace"
    said = result.details["taken_over"]
    assert said.startswith("occupation found ") and why in said
    assert said.endswith("laplace took over")


@pytest.mark.parametrize("failure", [OverflowError("math range error"), KeyError("x"),
                                     ZeroDivisionError("zero"), np.linalg.LinAlgError("singular"),
                                     TypeError("a float is required")])  # fmt: skip
def test_an_engine_that_fails_is_replaced(
    monkeypatch: pytest.MonkeyPatch, failure: Exception
) -> None:
    def engine(option: StepOption, market: Any, greeks: bool = False) -> Result:
        raise failure

    monkeypatch.setattr(occupation, "price_occupation", engine)
    result = price(DOWN, MARKET, method="occupation")
    assert result.price == pytest.approx(EXACT, abs=1e-9)
    assert type(failure).__name__ in result.details["taken_over"]


def test_where_no_engine_has_a_price_all_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    window = down_step("call", 100.0, 1.0, 90.0, 1.0, amortisation="delayed", window=0.1)
    monkeypatch.setattr(occupation, "price_occupation", answering(math.nan, 0.0))
    monkeypatch.setattr(independent_paths, "price_naive", answering(1.0, 1e-3))
    with pytest.raises(Unsupported, match=r"occupation found nan.*mc_naive found .* above 1e-15"):
        price(window, MARKET, method="occupation", max_error=1e-15)


def test_an_engine_with_settings_of_its_own_takes_over_from_itself() -> None:
    few = price(DOWN, MARKET, nodes=4, max_error=1e-9)
    assert few.price == pytest.approx(EXACT, abs=1e-10)
    assert "laplace took over with settings of its own" in few.details["taken_over"]
    # by default its error is as small as the contract's scale asks for
    assert price(DOWN, MARKET, nodes=8).price == pytest.approx(EXACT, abs=1e-4)
    assert price(DOWN, MARKET, nodes=8).price != EXACT


def test_the_limit_is_that_of_the_call() -> None:
    sampled = price(DOWN, MARKET, method="mc_bridge", n_paths=1 << 12, seed=1)
    assert sampled.method == "mc_bridge" and "taken_over" not in sampled.details
    exact = price(DOWN, MARKET, method="mc_bridge", n_paths=1 << 12, seed=1, max_error=1e-6)
    assert exact.method == "laplace" and exact.price == EXACT
    with pytest.raises(InvalidInput, match="max_error = 0"):
        price(DOWN, MARKET, max_error=0.0)


def test_an_ablation_is_no_price_and_stays_as_it_is() -> None:
    found = price(double_step("call", 95.0, 2.0, (90.0, 110.0), 1.0),
                  BlackScholesMarket(130.0, 0.02, 0.0, 0.4), method="spectral",
                  parts="bound")  # fmt: skip
    assert found.method == "spectral (bound only)"


def test_a_ladder_is_mended_where_it_is_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    spots = np.array([[95.0, 100.0], [105.0, 110.0]])
    right = price(DOWN, dataclasses.replace(MARKET, spot=spots), greeks=True)
    from heliostat_methods.step_options.closed_form import laplace

    whole = laplace.price_laplace

    def spoilt(option: StepOption, market: Any, greeks: bool = False, nodes: int | None = None,
               ) -> Result:  # fmt: skip
        found = whole(option, market, greeks, nodes)
        if isinstance(found.price, float):
            return found
        prices = found.price.copy()
        prices[1, 0] = 1e9
        return dataclasses.replace(found, price=prices)

    monkeypatch.setattr(laplace, "price_laplace", spoilt)
    mended = price(DOWN, dataclasses.replace(MARKET, spot=spots), greeks=True)
    for name in ("price", "delta", "gamma", "vega", "d_rates"):
        assert getattr(mended, name) == pytest.approx(getattr(right, name), rel=1e-12), name


MARKETS: dict[str, Any] = {
    "black_scholes": MARKET,
    "piecewise": PiecewiseMarket(100.0, (0.1,), (0.02, 0.06), (0.0, 0.01), (0.2, 0.35), (0.0, 2.0)),
    "local_vol": LocalVolMarket(100.0, 0.05, 0.0, 1.0, 4.0, 5.0, np.array([[0.3, 0.2]] * 2)),
    "heston": HestonMarket(100.0, 0.05, 0.0, 0.09, 1.5, 0.06, 0.4, -0.6),
    "basket": BasketMarket((100.0, 90.0), 0.05, (0.0, 0.0), (0.3, 0.2), ((1, 0.5), (0.5, 1)),
                           (0.5, 0.5)),
}  # fmt: skip


@pytest.mark.parametrize("market", MARKETS)
@pytest.mark.parametrize("kind", ["call", "put", "digital", "unit", "asset"])
def test_bounds_of_every_market(market: str, kind: str) -> None:
    for rates, knock in (((5.0, 0.0), "out"), ((math.inf, 1.0), "out"), ((5.0, 0.5), "in"),
                         ((-1.0, 2.0), "in")):  # fmt: skip
        option = StepOption(kind, 100.0, 1.0, (90.0,), rates, knock=knock, allow_accrual=True)
        low, high, scale, legs, _ = bounds_of(option, MARKETS[market])
        assert low <= high and 0 < scale <= legs * 2 and np.isfinite([low, high]).all()
        assert low >= 0 or min(rates) < 0


def test_bounds_are_reached_by_contracts_without_a_choice() -> None:
    same = StepOption("put", 95.0, 0.5, (90.0,), (3.0, 3.0))
    low, high, *_ = bounds_of(same, MARKET)
    free = float(black_scholes("put", 100.0, 95.0, 0.05, 0.02, 0.3, 0.5))
    assert low == pytest.approx(high, rel=1e-14)
    assert low == pytest.approx(free * math.exp(-1.5), rel=1e-14)
    inside = dataclasses.replace(same, knock="in")
    assert bounds_of(inside, MARKET).low == pytest.approx(free * (1 - math.exp(-1.5)), rel=1e-13)
    simple = down_step("unit", 95.0, 0.5, 90.0, 1.5, amortisation="simple")
    assert bounds_of(simple, MARKET).low == pytest.approx(math.exp(-0.025) * 0.25, rel=1e-14)
    never = down_step("unit", 95.0, 0.5, 90.0, 1.5, amortisation="delayed", window=0.6)
    assert bounds_of(never, MARKET).low == bounds_of(never, MARKET).high


def test_rows_of_a_book_are_judged_together() -> None:
    options = [StepOption(kind, 95.0, 0.5, (90.0,), (3.0, 0.0)) for kind in
               ("call", "put", "digital", "unit", "asset")]  # fmt: skip
    options.append(double_step("put", 95.0, 2.0, (90.0, 120.0), math.inf))
    bounds = row_bounds([reduce(option, MARKET, "book") for option in options])
    for i, option in enumerate(options):
        one = bounds_of(option, MARKET)
        for name in ("low", "high", "scale", "legs", "rounding"):
            assert getattr(bounds, name)[i] == pytest.approx(float(getattr(one, name)), rel=1e-12)
    right = np.array([float(price(option, MARKET).price) for option in options])
    error, limit = np.full(6, 1e-9), default_limit(bounds)
    assert judge(right, error, bounds, limit).tolist() == [PASSES] * 6
    wrong = right + np.array([math.nan, -1e57, 1e57, 0.0, 0.0, 0.0])
    error[3:5] = math.nan, 1e3
    assert judge(wrong, error, bounds, limit).tolist() == [
        NO_NUMBER, TOO_LOW, TOO_HIGH, TOO_UNSURE, TOO_UNSURE, PASSES,
    ]  # fmt: skip


SETTINGS = [("laplace", "nodes"), ("spectral", "nodes"), ("occupation", "nodes"), ("pde", "nodes"),
            ("pde", "steps"), ("path_integral_grid", "slices"), ("path_integral_grid",
            "panel_nodes"), ("mc_naive", "n_paths"), ("mc_naive", "n_steps"),
            ("mc_bridge", "n_paths"), ("mc_bridge", "n_steps"), ("rqmc", "n_points"),
            ("rqmc", "replicates"), ("mlmc", "first_steps"), ("mlmc", "tolerance"),
            ("metropolis", "iterations"), ("metropolis", "chains")]  # fmt: skip


@pytest.mark.parametrize("method, name", SETTINGS)
def test_every_engine_refuses_settings_by_their_field(method: str, name: str) -> None:
    for value in (0, -3, "many", [8], math.nan, None, 10**30):
        if (method, name, value) in (("laplace", "nodes", None), ("pde", "steps", None),
                                     ("mlmc", "tolerance", None),
                                     ("mlmc", "tolerance", 10**30)):  # fmt: skip
            continue  # the engine's own number of nodes, steps, cents; any tolerance above zero
        with pytest.raises(InvalidInput, match=rf"^{name} = "):
            price(DOWN, MARKET, method=method, **{name: value})


@pytest.mark.parametrize("method", ENGINES)
def test_unknown_settings_name_the_nearest(method: str) -> None:
    with pytest.raises(InvalidInput, match=f"a setting of method='{method}'"):
        price(DOWN, MARKET, method=method, nods=8)


NO_LADDER = dataclasses.replace(DOWN, strike=np.ones(3)), BlackScholesMarket(np.ones(2), 0, 0, 1)


@pytest.mark.parametrize(
    "option, market, message",
    [
        (DOWN, 100, "market = 100: expected a market: one of BlackScholesMarket"),
        (DOWN, None, "market = None"),
        ("call", MARKET, "option = 'call': expected a StepOption"),
        (*NO_LADDER, r"strike = .*\(3,\).*shape that goes with that of the spots, \(2,\)"),
        (DOWN, BlackScholesMarket(100.0, 1e6, 0.0, 0.3), r"rate = 1000000\.0: .*below 700"),
        (dataclasses.replace(DOWN, maturity=1e9), MARKET, r"rate = 0\.05"),
    ],
)
def test_what_is_no_contract_or_no_market_is_said(option: Any, market: Any, message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        price(option, market)


@pytest.mark.parametrize("vol", [1e-12, 1e-6, 30.0, 1e4])
def test_extreme_volatilities_are_priced_or_refused(vol: float) -> None:
    try:
        found = price(DOWN, BlackScholesMarket(100.0, 0.05, 0.02, vol))
    except InvalidInput:
        return
    assert np.isfinite(found.price) and 0 <= found.price <= 100


@pytest.mark.parametrize("method, nodes", [("spectral", 100_000), ("occupation", 3_000),
                                           ("laplace", 65), ("pde", 19)])  # fmt: skip
def test_nodes_that_no_memory_holds_are_refused_before_they_are_asked_for(
    method: str, nodes: int
) -> None:
    with pytest.raises(InvalidInput, match=rf"^nodes = {nodes}: expected an integer >= "):
        price(DOWN, MARKET, method=method, nodes=nodes)


@pytest.mark.parametrize("field, value", [("greeks", "yes"), ("greeks", 1)])
def test_what_is_no_yes_or_no_is_refused(field: str, value: object) -> None:
    with pytest.raises(InvalidInput, match=f"^{field} = .*: expected true or false"):
        price(DOWN, MARKET, **{field: value})


@pytest.mark.parametrize("method", ["spectral", "occupation", "path_integral_grid", "rqmc"])
def test_an_engine_without_sensitivities_says_who_has_them(method: str) -> None:
    found = price(DOWN, MARKET, method=method, greeks=True)
    assert found.details["no_sensitivities"] == (
        f"{method} has a price alone; sensitivities of this contract by laplace or pde or mc_bridge"
    )
    assert "no_sensitivities" not in price(DOWN, MARKET, method=method).details


@pytest.mark.parametrize("method", ["pde", "mc_bridge"])
def test_a_ladder_keeps_what_a_single_price_has(method: str) -> None:
    spots = np.array([85.0, 90.0, 110.0])
    option = dataclasses.replace(DOWN, barriers=(90.0,))
    settings = {"n_paths": 4096} if method == "mc_bridge" else {}
    ladder = price(option, dataclasses.replace(MARKET, spot=spots), method, greeks=True, **settings)
    assert "gamma_below" in ladder.sensitivities
    assert "gamma_below and gamma_above" in ladder.details["at_barrier"]
    for i, spot in enumerate(spots):
        one = price(option, dataclasses.replace(MARKET, spot=float(spot)), method, greeks=True,
                    **settings)  # fmt: skip
        for name in ladder.sensitivities:
            expected = one.sensitivities.get(name, one.gamma)
            assert ladder.sensitivities[name][i] == pytest.approx(expected, rel=1e-12)
