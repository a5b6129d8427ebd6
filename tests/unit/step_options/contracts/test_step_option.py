"""Input that has no price is refused, naming the field and the value."""

from __future__ import annotations

import math
import subprocess
import sys
from typing import Any

import numpy as np
import pytest

from heliostat.values.canonical import decode, encode
from heliostat_methods.step_options import (
    BasketMarket,
    BlackScholesMarket,
    BridgeWeightTable,
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

GOOD: dict[str, Any] = {"kind": "call", "strike": 100.0, "maturity": 1.0, "barriers": (90.0,),
                        "rates": (5.0, 0.0)}  # fmt: skip
BAD_CONTRACTS: list[tuple[dict[str, Any], str]] = [
    ({"strike": 0.0}, "strike = 0.0"),
    ({"strike": float("nan")}, "strike = nan"),
    ({"strike": [100.0, -1.0]}, r"strike\[1\] = -1.0"),
    ({"strike": "a"}, "strike = 'a'"),
    ({"strike": True}, "strike = True: expected a number"),
    ({"strike": [[1.0, 2.0], [3.0]]}, r"strike = \[\[1.0, 2.0\], \[3.0\]\]: expected a number"),
    ({"strike": [True, False]}, "strike = .*: expected a number"),
    ({"barriers": (True,)}, r"barriers\[0\] = True: expected a number"),
    ({"maturity": True}, "maturity = True: expected a number"),
    ({"gamma": [[0.1], [0.1, 0.2]]}, r"gamma\[0\] = \[0.1\]: expected a number"),
    ({"gamma": "x"}, "gamma = 'x': expected a number"),
    ({"gamma": np.array([0.1, 0.2])}, "gamma = .*: expected one number, or 1 of them"),
    ({"rates": (5.0,)}, "expected 2 rates, one for each region that 1 barrier makes"),
    ({"rates": (-5.0, 0.0), "allow_accrual": "no"}, "allow_accrual = 'no': expected true or false"),
    ({"maturity": -1.0}, "maturity = -1.0"),
    ({"maturity": float("inf")}, "maturity = inf"),
    ({"barriers": (0.0,)}, r"barriers\[0\] = 0.0"),
    ({"barriers": ()}, "at least one level"),
    ({"barriers": (110.0, 90.0), "rates": (1, 0, 1)}, "increasing order"),
    ({"barriers": (90.0, 90.0), "rates": (1, 0, 1)}, "no two equal"),
    ({"rates": (5.0,)}, "2 rates"),
    ({"rates": (-5.0, 0.0)}, "allow_accrual"),
    ({"rates": (float("nan"), 0.0)}, r"rates\[0\] = nan"),
    ({"rates": (-math.inf, 0.0), "allow_accrual": True}, r"rates\[0\] = -inf"),
    ({"rates": (math.inf, 0.0), "amortisation": "simple"}, r"rates\[0\] = inf: .*finite rate"),
    ({"rates": (math.inf, 0.0), "amortisation": "delayed", "window": 0.1}, "finite rate"),
    ({"rates": (10**400, 0.0)}, "a number that a float can hold"),
    ({"strike": 10**400}, "strike"),
    ({"gamma": float("inf")}, "gamma = inf"),
    ({"gamma": 1e4}, r"gamma = 10000\.0: .*below 700 in absolute value for T = 1"),
    ({"gamma": -1e4, "anchor": "maturity"}, r"gamma = -10000\.0"),
    ({"barriers": (90.0, 100.0), "rates": (1, 0, 1), "gamma": (0.5, 0.0)}, "do not cross"),
    ({"gamma": (0.1, 0.2)}, "gamma"),
    ({"kind": "cal"}, "did you mean 'call'"),
    ({"anchor": "end"}, "anchor"),
    ({"knock": "of"}, "knock"),
    ({"amortisation": "delayed"}, "window"),
    ({"amortisation": "delayed", "window": 0.0}, "window = 0.0"),
    ({"window": 0.1}, "only amortisation"),
    ({"amortisation": "simple", "rates": (5.0, 3.0)}, "common positive rate"),
]


@pytest.mark.parametrize("changes, message", BAD_CONTRACTS)
def test_bad_contract(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        StepOption(**(GOOD | changes))


def test_an_infinite_rate_is_a_knock_out_and_is_stored_as_such() -> None:
    option = StepOption(**(GOOD | {"rates": ("inf", 0.0)}))
    assert option.rates == (math.inf, 0.0)
    assert option.knocked_out(np.array([80.0, 90.0, 91.0])).tolist() == [True, True, False]
    assert decode(encode(option)) == option


@pytest.mark.parametrize("knock, below, above", [("out", 0.0, 5.0), ("in", 5.0, 0.0)])
def test_at_maturity_a_touch_has_knocked_out(knock: str, below: float, above: float) -> None:
    option = down_step("put", 100.0, 0.0, 95.0, math.inf, knock=knock)
    spots = BlackScholesMarket(np.array([95.0]), 0.05, 0.0, 0.3)
    assert price(option, spots).price == pytest.approx([below])
    option = down_step("put", 100.0, 0.0, 94.0, math.inf, knock=knock)
    assert price(option, spots).price == pytest.approx([above])


@pytest.mark.parametrize(
    "field, value", [("spot", 0.0), ("spot", -1.0), ("vol", 0.0), ("rate", float("nan")),
                     ("dividend", float("inf")), ("vol", float("nan"))]
)  # fmt: skip
def test_bad_market(field: str, value: float) -> None:
    fields = {"spot": 100.0, "rate": 0.05, "dividend": 0.0, "vol": 0.3, field: value}
    with pytest.raises(InvalidInput, match=field):
        BlackScholesMarket(**fields)


def test_bounds_on_both_sides_are_joined_in_words() -> None:
    with pytest.raises(InvalidInput, match="beta = 3: expected a finite number > 0 and < 1"):
        price(StepOption(**GOOD), BlackScholesMarket(100, 0, 0, 0.3), "metropolis", beta=3)


def test_true_is_no_rate() -> None:
    with pytest.raises(InvalidInput, match="rate = True: expected a number"):
        BlackScholesMarket(100.0, True, 0.0, 0.3)


def test_short_forms_and_surfaces_refuse_by_field() -> None:
    grid: dict[str, Any] = {"horizon": 1, "low": 4.0, "high": 5.0}
    surface = LocalVolMarket.from_function
    for build, message in (
        (lambda: double_step("call", 100, 1, (90, 110), (5, 6, 7)), "rate = .*: expected one rate"),
        (lambda: double_step("call", 100, 1, (90,), 5), "barriers = .*: expected two levels"),
        (lambda: surface(100, 0, 0, 5, **grid), r"vol = 5: expected a function of \(S, t\)"),
        (lambda: surface(100, 0, 0, lambda s, t: [1, 2], **grid), r"vol = .*\(2,\).*\(33, 257\)"),
        (lambda: surface(100, 0, 0, lambda s, t: s, horizon=1, low=0, high=1e4), "high = 10000"),
    ):
        with pytest.raises(InvalidInput, match=message):
            build()
    assert double_step("call", 100, 1, (90, 110), (5, 6)).rates == (5.0, 0.0, 6.0)


def test_correlation_that_is_none_gives_its_smallest_eigenvalue() -> None:
    matrix = ((1.0, 0.9, -0.9), (0.9, 1.0, 0.9), (-0.9, 0.9, 1.0))
    three = (100.0, 100.0, 100.0)
    with pytest.raises(InvalidInput, match=r"smallest eigenvalue is -0\.8"):
        BasketMarket(three, 0.0, (0.0,) * 3, (0.2,) * 3, matrix, (1.0,) * 3)
    with pytest.raises(InvalidInput, match="symmetric"):
        BasketMarket(three[:2], 0.0, (0.0,) * 2, (0.2,) * 2, ((1.0, 0.5), (0.4, 1.0)), (1.0,) * 2)


def test_other_markets() -> None:
    with pytest.raises(InvalidInput, match=r"xi = 0\.0"):
        HestonMarket(100.0, 0.0, 0.0, 0.04, 1.0, 0.04, 0.0, 0.0)
    with pytest.raises(InvalidInput, match=r"corr = 2\.0"):
        HestonMarket(100.0, 0.0, 0.0, 0.04, 1.0, 0.04, 0.3, 2.0)
    with pytest.raises(InvalidInput, match="vol"):
        PiecewiseMarket(100.0, (0.5,), (0.0, 0.0), (0.0, 0.0), (0.2,))


MARKET = BlackScholesMarket(100.0, 0.05, 0.0, 0.3)
DOWN = down_step("call", 100.0, 1.0, 90.0, 5.0)


@pytest.mark.parametrize(
    "method, settings, message",
    [
        ("laplac", {}, "did you mean 'laplace'"),
        ("mc_bridge", {"n_paths": 0}, "n_paths = 0"),
        ("mc_bridge", {"n_steps": 0}, "steps = 0"),
        ("mc_bridge", {"target_se": -1.0}, "target_se = -1.0"),
        ("mc_bridge", {"paths": 3}, "settings = 'paths'"),
        ("rqmc", {"n_points": 1000}, "power of two"),
        ("metropolis", {"beta": 1.5}, "beta = 1.5"),
        ("pde", {"nodes": 5}, "nodes = 5"),
        ("spectral", {"parts": "bond"}, "did you mean 'bound'"),
    ],
)
def test_bad_settings(method: str, settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        price(DOWN, MARKET, method=method, **settings)


def test_an_engine_that_cannot_names_one_that_can() -> None:
    delayed = down_step("call", 100.0, 1.0, 90.0, 1.0, amortisation="delayed", window=0.1)
    double = double_step("call", 100.0, 1.0, (90.0, 120.0), 5.0)
    heston = HestonMarket(100.0, 0.05, 0.0, 0.09, 1.5, 0.06, 0.4, -0.6)
    for method, option, market, hint in [
        ("laplace", delayed, MARKET, "occupation"), ("mc_bridge", delayed, MARKET, "occupation"),
        ("occupation", double, MARKET, "laplace"), ("pde", DOWN, heston, "mc_bridge"),
        ("laplace", DOWN, heston, "mc_bridge"), ("pde", delayed, MARKET, "occupation"),
    ]:  # fmt: skip
        with pytest.raises(Unsupported, match=hint):
            price(option, market, method=method)
    with pytest.raises(InvalidInput, match="theta"):
        BridgeWeightTable.build(-1.0)


def test_names_of_the_library() -> None:
    option = StepOption(**GOOD)
    result = price(option, MARKET)
    assert isinstance(result.price, float)
    assert result.delta is not None and result.gamma is not None
    assert result.method == "laplace" and result.n_evals > 0 and result.wall_s > 0
    assert np.isfinite(price(option, MARKET, greeks=True).vega)
    with pytest.raises(AttributeError, match="vanna"):
        _ = result.vanna


@pytest.mark.parametrize("module", ["method", "", "contracts.step_option", "config"])
def test_importing_loads_no_heavy_library(module: str) -> None:
    name = f"heliostat_methods.step_options.{module}".rstrip(".")
    program = (
        f"import sys, {name}; heavy = {{'torch', 'numba', 'scipy', 'ray'}} & set(sys.modules); "
        "print(sorted(heavy)); sys.exit(bool(heavy))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
