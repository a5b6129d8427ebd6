"""What runs on a worker: a chunk of paths, one engine's price, a block of a book."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

from heliostat import Shared, TaskContext
from heliostat_methods.step_options.book import BookRows, PricedRows, price_rows
from heliostat_methods.step_options.contract import StepOption
from heliostat_methods.step_options.market import Market
from heliostat_methods.step_options.paths import Simulation, sample
from heliostat_methods.step_options.pricing import price
from heliostat_search.montecarlo import Moments


@dataclass(frozen=True)
class Chunk:
    """Paths first .. first + count - 1 of a simulation."""

    simulation: Shared[Simulation]
    first: int
    count: int


@dataclass(frozen=True)
class EngineCall:
    """One contract for one engine."""

    option: StepOption
    market: Market
    method: str
    greeks: bool
    settings: dict[str, Any]


def simulate_chunk(chunk: Chunk, ctx: TaskContext) -> Moments:
    """Return the moments of a chunk's samples; a path's numbers depend on its index alone."""
    return Moments.of(sample(ctx.shared(chunk.simulation), chunk.first, chunk.count))


def evaluate(call: EngineCall, ctx: TaskContext) -> dict[str, Any]:
    """Return what an engine finds, without its wall time, which is no part of a result."""
    result = price(call.option, call.market, call.method, call.greeks, **call.settings)
    fields = dataclasses.asdict(result)
    del fields["wall_s"]
    return fields


def price_block(rows: BookRows, ctx: TaskContext) -> PricedRows:
    """Return the prices of some rows of a book."""
    return price_rows(rows)
