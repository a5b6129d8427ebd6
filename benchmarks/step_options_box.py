"""Every engine of step options over the whole box: who refuses, how wrong, how wrong for its word.

Contracts and markets are drawn with volatilities from .001 to 3, maturities from 1e-4 to 50 years,
interest, dividends and growth of barriers within .5 of zero, 1 to 12 barriers where the price can
go, and rates of any size. The truth is the integral over S_T with twice the nodes in each of its
dimensions; on some draws an mpmath inversion with as many digits as it takes confirms it. Errors
are in units of the price's scale (spot, strike, or their discounted values), the last column in
units of the error that the engine states: no more than 3.

An engine is asked on every draw, or on every so many where it is slow. "Handed over" counts what
another engine took over, or what was refused, because the price was not sure enough.

Run: ``python benchmarks/step_options_box.py [--draws 20000] [--json]`` (about 20 minutes).
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import math
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).parent.parent / "tests" / "tasks"))
from step_reference import draw, reference

from heliostat_methods.step_options import (
    BlackScholesMarket,
    InvalidInput,
    StepOption,
    price,
)
from heliostat_methods.step_options.closed_form.bridge_weight import Line
from heliostat_methods.step_options.closed_form.kernel_quadrature import (
    Rule,
    integrate,
)
from heliostat_methods.step_options.closed_form.reach import standardise
from heliostat_methods.step_options.contracts.reduced import reduce
from heliostat_methods.step_options.engines.gate import bounds_of

TRUTH = Rule(32, Line(40, 0.25))
ENGINES: dict[str, tuple[int, dict[str, Any]]] = {
    "laplace": (1, {}),
    "occupation": (20, {}),
    "spectral": (100, {}),
    "path_integral_grid": (50, {}),
    "pde": (50, {}),
    "mc_bridge": (50, {"n_paths": 1 << 14}),
    "rqmc": (50, {"n_points": 1 << 9}),
}
"""Engine -> every how many draws it is asked, and its settings."""


@dataclass
class Account:
    """What became of an engine's draws."""

    asked: int = 0
    priced: int = 0
    worst_error: float = 0.0
    worst_ratio: float = 0.0
    seconds: float = 0.0
    worst: str = ""
    furthest: str = ""
    why: list[str] = field(default_factory=list)


def truth(option: StepOption, market: BlackScholesMarket) -> float:
    """Return the price by the integral over S_T, finer than the engine takes it."""
    problem = reduce(option, market, "truth")
    seen = standardise(problem, 0)
    if seen is None:
        return 0.0
    forward = math.log(float(market.spot)) + problem.gamma * option.maturity
    found, _ = integrate(seen, option.kind, float(option.strike), forward,
                         -market.rate * option.maturity, 0, TRUTH)  # fmt: skip
    return float(found[0])


def scale_of(option: StepOption, market: BlackScholesMarket) -> float:
    """Return the unit of errors: what is paid and received, today and discounted."""
    today = 1.0 if option.kind in ("unit", "digital") else float(market.spot)
    return max(today, float(bounds_of(option, market).legs))


def ask(account: Account, engine: str, settings: dict[str, Any], option: StepOption,
        market: BlackScholesMarket, expected: float) -> None:  # fmt: skip
    """Price one draw and keep what is worst."""
    account.asked += 1
    began = time.perf_counter()
    try:
        found = price(option, market, method=engine, **settings)
    except InvalidInput as error:
        account.why.append(str(error))
        return
    finally:
        account.seconds += time.perf_counter() - began
    if "taken_over" in found.details:
        account.why.append(str(found.details["taken_over"]))
        return
    account.priced += 1
    error = abs(float(found.price) - expected)
    described = f"{option} in {market}: {found.price:.12g}, right {expected:.12g}"
    if error / scale_of(option, market) > account.worst_error:
        account.worst_error, account.furthest = error / scale_of(option, market), described
    # the truth has round-off of its own
    ratio = error / (float(found.abs_error_estimate) + 2e-15 * scale_of(option, market))
    if ratio > account.worst_ratio:
        account.worst_ratio, account.worst = ratio, described


def one_barrier(option: StepOption, rng: np.random.Generator) -> StepOption:
    """Return the contract with one of its barriers."""
    i = int(rng.integers(len(option.barriers)))
    return dataclasses.replace(
        option, barriers=option.barriers[i : i + 1], rates=option.rates[i : i + 2]
    )


def confirm(draws: int, seed: int) -> tuple[int, float]:
    """Return how many draws the mpmath reference settled, and the largest difference, scaled."""
    rng, settled, worst = np.random.default_rng(seed), 0, 0.0
    for _ in range(draws):
        option, market = draw(rng)
        drift = market.rate - market.dividend - float(option.common_gamma or 0) - market.vol**2 / 2
        # beyond, the reference needs thousands of digits
        if len(option.barriers) > 4 or abs(drift) * math.sqrt(option.maturity) > 4 * market.vol:
            continue
        expected, done = reference(option, market)
        if done:
            settled += 1
            scale = scale_of(option, market)
            worst = max(worst, abs(truth(option, market) - expected[0]) / scale)
    return settled, worst


def main() -> None:
    """Ask every engine and print what became of it."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--draws", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--reference", type=int, default=200, help="draws offered to mpmath")
    parser.add_argument("--engines", nargs="*", default=list(ENGINES), choices=list(ENGINES))
    parser.add_argument("--why", action="store_true", help="print worst draws and hand-overs")
    parser.add_argument("--json", action="store_true", help="last line as JSON")
    arguments = parser.parse_args()
    rng = np.random.default_rng(arguments.seed)
    accounts = {name: Account() for name in arguments.engines}
    for i in range(arguments.draws):
        option, market = draw(rng)
        single = one_barrier(option, rng)
        known = {id(option): truth(option, market)}
        for name in arguments.engines:
            every, settings = ENGINES[name]
            if i % every:
                continue
            asked = single if name == "occupation" else option
            if id(asked) not in known:
                known[id(asked)] = truth(asked, market)
            more = {"seed": i} if "n_p" in str(settings) else {}
            ask(accounts[name], name, settings | more, asked, market, known[id(asked)])
    print(f"{'engine':<20} {'draws':>6} {'handed over':>12} {'worst error':>12} "
          f"{'true/stated':>12} {'ms':>8}")  # fmt: skip
    claims: dict[str, dict[str, Any]] = {}
    for name, a in accounts.items():
        away = 1 - a.priced / max(a.asked, 1)
        print(f"{name:<20} {a.asked:>6} {away:>11.2%} {a.worst_error:>12.1e} "
              f"{a.worst_ratio:>12.2f} {1e3 * a.seconds / max(a.asked, 1):>8.1f}")  # fmt: skip
        claims[f"{name}: true to stated error, at most 3"] = {
            "ours": a.worst_ratio, "peer": 3.0, "ratio": 3.0 / max(a.worst_ratio, 1e-12),
            "unit": "stated errors",
        }  # fmt: skip
        claims[f"{name}: handed over"] = {
            "ours": away, "peer": 1.0, "ratio": 1.0 / max(away, 1e-12), "unit": "of draws",
        }  # fmt: skip
        if arguments.why:
            print(f"  most above its word: {a.worst}")
            print(f"  furthest off: {a.furthest}")
            for line in a.why[:5]:
                print(f"  handed over: {line[:300]}")
    if "laplace" in accounts:
        worst = accounts["laplace"].worst_error
        claims["laplace: worst error, at most 1e-9"] = {
            "ours": worst, "peer": 1e-9, "ratio": 1e-9 / max(worst, 1e-18), "unit": "of the scale",
        }  # fmt: skip
    if arguments.reference:
        settled, worst = confirm(arguments.reference, arguments.seed + 1)
        print(f"mpmath settled {settled} draws; the truth above differs by at most {worst:.1e}")
        claims["truth against mpmath, at most 1e-11"] = {
            "ours": worst, "peer": 1e-11, "ratio": 1e-11 / max(worst, 1e-18),
            "unit": "of the scale",
        }  # fmt: skip
    if arguments.json:
        print(json.dumps(claims))


if __name__ == "__main__":
    main()
