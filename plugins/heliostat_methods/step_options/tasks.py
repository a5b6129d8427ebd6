"""What runs on a worker: a shard of an estimator, one engine's price, rows of a book."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

import numpy as np

from heliostat import TaskContext, stored, task
from heliostat_methods.step_options.book.ladder import LadderValues, climb, on_rungs
from heliostat_methods.step_options.book.pricing import BookPrices, price_rows
from heliostat_methods.step_options.book.rows import BookRows
from heliostat_methods.step_options.book.terms import Terms
from heliostat_methods.step_options.contracts.market import Market
from heliostat_methods.step_options.contracts.result import Result
from heliostat_methods.step_options.contracts.step_option import StepOption
from heliostat_methods.step_options.engines.pricing import price
from heliostat_methods.step_options.monte_carlo.greeks import GreekSampler
from heliostat_methods.step_options.monte_carlo.metropolis import MetropolisEstimator
from heliostat_methods.step_options.monte_carlo.multilevel import MultilevelEstimator
from heliostat_methods.step_options.monte_carlo.quasi_monte_carlo import SobolSampler
from heliostat_methods.step_options.paths.sampler import PathSampler

MEASURED = 2
"""Calls that are timed, after one that compiles and fills tables."""
SHARED = (PathSampler, GreekSampler, SobolSampler, MultilevelEstimator, MetropolisEstimator)
"""What `run_shard` works on; a process that imports this module knows their permanent names."""


@stored("step_options.engine_call")
@dataclass(frozen=True)
class EngineCall:
    """One contract for one engine."""

    option: StepOption
    market: Market
    method: str
    greeks: bool
    settings: dict[str, Any]


@task("step_options.run_shard")
def run_shard(shard: Any, ctx: TaskContext) -> Any:
    """Return the statistic of a shard; the call's shared data are its estimator."""
    return ctx.shared().run_shard(shard)


@task("step_options.evaluate")
def evaluate(call: EngineCall, ctx: TaskContext) -> dict[str, Any]:
    """Return what an engine finds."""
    return plain(price(call.option, call.market, call.method, call.greeks, **call.settings))


@task("step_options.measure")
def measure(call: EngineCall, ctx: TaskContext) -> dict[str, float]:
    """Return an engine's error and the seconds it takes here, its kernels and tables being there.

    The better of two, since other work on the machine only adds to the first.
    """
    seconds = []
    for _ in range(1 + MEASURED):
        result = price(call.option, call.market, call.method, False, **call.settings)
        seconds.append(result.wall_s)
    error = result.std_error if result.std_error is not None else result.abs_error_estimate
    return {"error": float(error), "seconds": min(seconds[1:])}


def plain(result: Result) -> dict[str, Any]:
    """Return a result's fields without the wall time, which is no part of what was found."""
    fields = dataclasses.asdict(result)
    del fields["wall_s"]
    return fields


@task("step_options.price_book_rows")
def price_book_rows(rows: BookRows, ctx: TaskContext) -> BookPrices:
    """Return the prices of some rows of a book; the call's shared data are its settings."""
    return price_rows(rows, ctx.shared())


@task("step_options.climb_ladder")
def climb_ladder(rows: BookRows, ctx: TaskContext) -> LadderValues:
    """Return what some rows are worth on each rung of the call's shared ladder."""
    return climb(rows, ctx.shared())


@task("step_options.climb_with_one")
def climb_with_one(call: EngineCall, ctx: TaskContext) -> LadderValues:
    """Return what one contract is worth on each rung of the call's shared ladder."""
    ladder = ctx.shared()
    (values,) = on_rungs([Terms(call.option, call.market, call.method, 1.0)], ladder)
    none = np.full((len(ladder.vols), len(ladder.spots)), np.nan)
    return LadderValues(none if values is None else values, ())
