"""Monte Carlo engines: a price from shards of paths, and its Greeks from shards of their own.

`workers` evaluates the shards: this process, or a run's workers. Nothing else differs, so equal
seeds give equal bits in a library call and in a run.
"""

from __future__ import annotations

import dataclasses
import math
import time

from heliostat_methods.step_options.closed_form.laplace import AT_BARRIER
from heliostat_methods.step_options.contracts.market import Market, PiecewiseMarket
from heliostat_methods.step_options.contracts.result import Result
from heliostat_methods.step_options.contracts.step_option import StepOption
from heliostat_methods.step_options.contracts.time_plan import time_plan
from heliostat_methods.step_options.monte_carlo.frozen_volatility import with_bias
from heliostat_methods.step_options.monte_carlo.greeks import GreekSampler, barrier_sides
from heliostat_methods.step_options.monte_carlo.sharded import (
    Progress,
    ShardedEstimator,
    Workers,
    in_process,
    silent,
)
from heliostat_methods.step_options.paths.sampler import PathSampler
from heliostat_methods.step_options.paths.settings import PathSettings
from heliostat_methods.step_options.paths.unseen import Worth
from heliostat_search.montecarlo import Estimate

CHUNK = 1 << 16
GREEK_PATHS = 1 << 18
"""Greeks are wanted to fewer digits than a price."""
GREEK_CHUNK = 1 << 15
TABLE_OF_ONE, TABLE_OF_SEVERAL = 1e-9, 1e-8
"""Errors of tabulated weights."""
FIRST_STEP = 1e-7
"""Error of the first step's slopes, in units of what a path is worth."""


def price_bridge(
    option: StepOption, market: Market, greeks: bool = False, *, n_paths: int = 1 << 18,
    n_steps: int = 1, seed: int = 0, target_se: float | None = None, antithetic: bool = False,
    controls: bool = True, strata: int = 1, tilt: float = 0.0, chunk: int = CHUNK,
    workers: Workers = in_process, progress: Progress = silent,
) -> Result:  # fmt: skip
    """Return the price with exact bridge weights: unbiased under Black-Scholes from one step.

    Where the volatility moves, steps freeze it: the error holds an estimate of what that does.
    greeks: delta, gamma, vega (one barrier), d_rate and d_dividend, each with `NAME_error`; of two
    estimators of delta and gamma the one with the smaller error, both in `details`. On a barrier
    also gamma_below and gamma_above, whose mean gamma is.
    """
    settings = PathSettings("bridge", n_steps, antithetic, controls, strata, tilt)
    sampler = PathSampler(option, market, settings, seed)
    wanted = GreekSampler(option, market, n_steps, seed) if greeks else None
    result = _price("mc_bridge", sampler, n_paths, chunk, target_se, workers, progress)
    result = with_bias(result, option, market, sampler.steps, seed)
    if wanted is None:
        return result
    estimator = ShardedEstimator.build(wanted, min(n_paths, GREEK_PATHS), GREEK_CHUNK)
    estimates = estimator.estimates(estimator.run(workers))
    found = {
        name: Estimate(e.value, math.hypot(e.error, FIRST_STEP * claim.path), e.n)
        for (name, e), claim in zip(estimates.items(), wanted.worth, strict=True)
    }
    return _with_greeks(result, found, option, market)


def price_naive(
    option: StepOption, market: Market, greeks: bool = False, *, n_paths: int = 1 << 16,
    n_steps: int = 252, seed: int = 0, target_se: float | None = None, antithetic: bool = False,
    controls: bool = True, strata: int = 1, tilt: float = 0.0, chunk: int = CHUNK,
    workers: Workers = in_process, progress: Progress = silent,
) -> Result:  # fmt: skip
    """Return the baseline: a Riemann sum of the rate along each path, biased at O(dt)."""
    settings = PathSettings("naive", n_steps, antithetic, controls, strata, tilt)
    sampler = PathSampler(option, market, settings, seed)
    return _price("mc_naive", sampler, n_paths, chunk, target_se, workers, progress)


def _price(name: str, sampler: PathSampler, n_paths: int, chunk: int, target_se: float | None,
           workers: Workers, progress: Progress) -> Result:  # fmt: skip
    began = time.perf_counter()
    estimator = ShardedEstimator.build(sampler, n_paths, chunk, target_se)
    total = estimator.run(workers, progress)
    estimate = estimator.estimates(total)["price"]
    error = math.hypot(estimate.error, weight_error(sampler.option, sampler.worth[0]))
    dropped = {sampler.control_names[i]: why for i, why in estimator.dropped(total).items()}
    return Result(
        price=estimate.value,
        method=name,
        abs_error_estimate=2 * error,
        std_error=error,
        n_evals=estimator.done(total) * estimator.chunk,
        wall_s=time.perf_counter() - began,
        details={
            "steps": sampler.steps,
            "controls": [c for c in sampler.control_names if c not in dropped],
            "coefficients": list(estimator.controls[0].coefficients),
            "reached": target_se is None or estimate.error <= target_se,
        }
        | split_details(sampler.option, sampler.market, sampler.settings.steps, sampler.steps)
        | ({"dropped": dropped} if dropped else {})
        | ({"tilt": sampler.drawn.tilt} if sampler.drawn.tilt != sampler.settings.tilt else {}),
    )


def split_details(option: StepOption, market: Market, asked: int, steps: int) -> dict[str, str]:
    """Return a sentence on steps that were added or left out, where some were."""
    if steps == asked:
        return {}
    reason = "the market drifts far in one of them"
    if isinstance(market, PiecewiseMarket):
        planned = len(time_plan(market, option.maturity, asked))
        crossing = "none crosses the end of an interval"
        if steps == planned:
            reason = crossing
        elif planned != asked:
            reason = f"{crossing}, and {reason}"
    return {"split": f"{steps} steps instead of {asked}: {reason}"}


def weight_error(option: StepOption, claim: Worth) -> float:
    """Return what tables of weights add to the error of a price."""
    several = len(option.barriers) > 1 and len(set(option.rates)) > 1
    return (TABLE_OF_SEVERAL if several else TABLE_OF_ONE) * min(claim.path, claim.all)


def _with_greeks(result: Result, found: dict[str, Estimate], option: StepOption,
                 market: Market) -> Result:  # fmt: skip
    chosen: dict[str, str] = {}
    more: dict[str, float] = {}
    for greek, names in (
        ("delta", ("delta_pathwise", "delta_likelihood_ratio")),
        ("gamma", ("gamma_mixed", "gamma_likelihood_ratio")),
    ):
        chosen[greek] = min((n for n in names if n in found), key=lambda n: found[n].error)
        more[f"{greek}_error"] = found[chosen[greek]].error
    for name in ("vega", "d_rate", "d_dividend"):
        if name in found:
            more |= {name: found[name].value, f"{name}_error": found[name].error}
    estimators = {
        name: {"value": e.value, "error": e.error, "chosen": name in chosen.values()}
        for name, e in found.items()
        if name.startswith(("delta", "gamma"))
    }
    delta, gamma = found[chosen["delta"]].value, found[chosen["gamma"]].value
    details = {**result.details, "estimators": estimators}
    sides = barrier_sides(option, market, float(result.price), delta, gamma)
    if sides:
        details["at_barrier"] = AT_BARRIER
        gamma = (sides["gamma_below"] + sides["gamma_above"]) / 2
        # the jump is proportional to the price, and as unsure
        jump = abs(sides["gamma_above"] - sides["gamma_below"])
        unsure = float(result.std_error or 0.0) / max(abs(float(result.price)), 1e-300)
        if "delta_below" not in sides:
            more["gamma_error"] = math.hypot(more["gamma_error"], jump * unsure)
        delta = (sides.get("delta_below", delta) + sides.get("delta_above", delta)) / 2
    return dataclasses.replace(
        result, delta=delta, gamma=gamma, sensitivities=more | sides, details=details
    )
