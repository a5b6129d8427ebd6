"""Monte Carlo with `stream`: price a call option and stop when the error is small enough."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from pydantic import Field

from heliostat import MethodConfig, MethodSpec, Metric, Run, TaskContext, stored


@stored("call_price.config")
class CallPriceConfig(MethodConfig):
    """A European call under Black and Scholes, simulated in blocks of fixed size."""

    spot: float = Field(100.0, gt=0, description="price of the underlying")
    strike: float = Field(100.0, gt=0, description="strike of the option")
    volatility: float = Field(0.2, gt=0, description="per square root of a year")
    years: float = Field(1.0, gt=0, description="time to expiry")
    block: int = Field(2000, ge=2, description="paths in one task: part of the result's identity")
    standard_error: float = Field(0.02, gt=0, description="stop when the error is below this")
    most_blocks: int = Field(2000, ge=1, description="stop after this many blocks at the latest")


def simulate(block: int, ctx: TaskContext) -> tuple[int, float, float]:
    """Return number, mean and sum of squared deviations of the payoffs of one block."""
    c: CallPriceConfig = ctx.shared()
    z = ctx.rng().standard_normal(c.block)
    drift = -0.5 * c.volatility**2 * c.years
    end = c.spot * np.exp(drift + c.volatility * math.sqrt(c.years) * z)
    payoff = np.maximum(end - c.strike, 0.0)
    mean = float(payoff.mean())
    return c.block, mean, float(((payoff - mean) ** 2).sum())


def search(config: CallPriceConfig, run: Run) -> dict[str, Any]:
    """Fold blocks in order until the standard error is small, then leave the stream."""
    paths, mean, squares, error, block = 0, 0.0, 0.0, math.inf, -1
    settings = run.share(config)  # what all items have in common travels once
    blocks = range(config.most_blocks)
    run.phase("simulating")
    for block, outcome in enumerate(run.stream(simulate, blocks, shared=settings)):
        n, block_mean, block_squares = outcome.unwrap()
        # Chan, Golub, LeVeque 1979: merge of moments, folded in key order
        shift, total = block_mean - mean, paths + n
        mean += shift * n / total
        squares += block_squares + shift * shift * paths * n / total
        paths = total
        error = math.sqrt(squares / (paths - 1) / paths)
        if block % 8 == 7:
            run.report(block + 1, of=config.most_blocks, count=paths, price=mean, error=error)
            if error < config.standard_error:
                break
    return {"price": mean, "standard_error": error, "paths": paths, "blocks": block + 1}


METHOD = MethodSpec(
    name="call_price",
    summary="Monte Carlo price of a call, stopped at a target error",
    paper="textbook",
    config=CallPriceConfig,
    search=search,
    outputs={"price": Metric(None, "currency"), "standard_error": Metric("min", "currency")},
    presets={"smoke": {"standard_error": 0.1}, "demo": {}},
    on=lambda config: f"call, strike {config.strike:g}, {config.years:g} y",
    unit="paths",
)
