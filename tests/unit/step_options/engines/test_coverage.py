"""What an engine cannot price is known beforehand, and what it accepts it prices."""

from __future__ import annotations

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
    StepOption,
    Unsupported,
    double_step,
    down_step,
    price,
)
from heliostat_methods.step_options.contracts.market import Market
from heliostat_methods.step_options.engines.coverage import ORDER, check_covered, covering, obstacle
from heliostat_methods.step_options.engines.pricing import ENGINES

FLAT = BlackScholesMarket(100.0, 0.05, 0.0, 0.3)
MARKETS: dict[str, Market] = {
    "black_scholes": FLAT,
    "piecewise": PiecewiseMarket(100.0, (0.1,), (0.02, 0.06), (0.0, 0.01), (0.2, 0.35)),
    "charged": PiecewiseMarket(100.0, (0.1,), (0.02, 0.06), (0.0, 0.01), (0.2, 0.35), (1.0, 2.0)),
    "local_vol": LocalVolMarket(100.0, 0.05, 0.0, 1.0, 4.0, 5.0, np.array([[0.3, 0.2]] * 2)),
    "heston": HestonMarket(100.0, 0.05, 0.0, 0.09, 1.5, 0.06, 0.4, -0.6),
    "basket": BasketMarket((100.0, 90.0), 0.05, (0.0, 0.0), (0.3, 0.2), ((1, 0.5), (0.5, 1)),
                           (0.5, 0.5)),
}  # fmt: skip
CONTRACTS: dict[str, StepOption] = {
    "down": down_step("call", 100.0, 0.25, 90.0, 5.0),
    "in": down_step("call", 100.0, 0.25, 90.0, 5.0, knock="in"),
    "double": double_step("put", 100.0, 0.25, (90.0, 115.0), 5.0),
    "digital": down_step("digital", 100.0, 0.25, 90.0, 5.0),
    "delayed": down_step("call", 100.0, 0.25, 90.0, 1.0, amortisation="delayed", window=0.1),
    "apart": StepOption("call", 100.0, 0.25, (90.0, 115.0), (5.0, 0.0, 5.0), gamma=(0.0, 0.1)),
}
QUICK: dict[str, dict[str, Any]] = {
    "mc_bridge": {"n_paths": 256, "seed": 1}, "mc_naive": {"n_paths": 256, "n_steps": 4, "seed": 1},
    "rqmc": {"n_points": 16, "seed": 1}, "mlmc": {"tolerance": 2.0, "seed": 1},
    "metropolis": {"iterations": 2000, "seed": 1}, "pde": {"nodes": 60},
}  # fmt: skip


@pytest.mark.parametrize("contract", CONTRACTS)
@pytest.mark.parametrize("market", MARKETS)
def test_an_engine_prices_exactly_what_it_is_said_to_cover(contract: str, market: str) -> None:
    option, model = CONTRACTS[contract], MARKETS[market]
    for engine in ORDER:
        try:
            found = price(option, model, method=engine, **QUICK.get(engine, {})).price
        except InvalidInput:
            assert obstacle(engine, option, model) is not None, engine
        else:
            assert np.isfinite(found)
            assert obstacle(engine, option, model) is None, engine


def test_every_engine_has_a_place() -> None:
    assert sorted(ORDER) == sorted(ENGINES)


def test_refusal_names_the_engines_that_can() -> None:
    with pytest.raises(Unsupported, match=r"use method='pde'$"):
        check_covered("laplace", CONTRACTS["apart"], FLAT)
    with pytest.raises(Unsupported, match="Heston; use method='mc_bridge', or mc_naive"):
        check_covered("rqmc", CONTRACTS["down"], MARKETS["heston"])
    with pytest.raises(Unsupported, match="no engine prices this contract in this model"):
        check_covered("mc_bridge", CONTRACTS["double"], MARKETS["basket"])


@pytest.mark.parametrize(
    "contract, market, engines",
    [
        ("down", "black_scholes", ORDER),
        ("double", "black_scholes", tuple(e for e in ORDER if e != "occupation")),
        ("delayed", "black_scholes", ("occupation", "mc_naive")),
        ("apart", "black_scholes", ("pde",)),
        ("digital", "heston", ("mc_bridge", "mc_naive")),
        ("down", "local_vol", ("pde", "mc_bridge", "rqmc", "mlmc", "mc_naive")),
        ("double", "local_vol", ("pde",)),
        ("in", "local_vol", ()),
        ("down", "basket", ("mc_bridge", "mc_naive")),
        ("double", "charged",
         ("path_integral_grid", "pde", "mc_bridge", "rqmc", "mlmc", "mc_naive")),
        ("delayed", "charged", ("mc_naive",)),
    ],
)  # fmt: skip
def test_what_each_model_leaves(contract: str, market: str, engines: tuple[str, ...]) -> None:
    assert covering(CONTRACTS[contract], MARKETS[market]) == list(engines)
