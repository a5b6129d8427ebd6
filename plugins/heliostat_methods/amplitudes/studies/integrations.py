"""The all-plus loop of four gluons integrated by Monte Carlo, blocks of samples on workers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from heliostat import Run, Shared, TaskContext, stored, task
from heliostat_methods.amplitudes.config import AmplitudesConfig
from heliostat_methods.amplitudes.loops.adaptive_grid import AdaptiveGrid
from heliostat_methods.amplitudes.loops.all_plus import RATIONAL_TERM, AllPlusLegs
from heliostat_methods.amplitudes.loops.finite_combination import FiniteCombination
from heliostat_methods.amplitudes.loops.sampling import (
    Block,
    integral,
    refined_grid,
    sample_block,
)

SAMPLES = 4_096
"""Of one block."""
TURNS, REFINING = 4, 4
"""Refinements of the grid, and blocks of each."""
MASS = 1.0
"""Of the scalar in the loop, in units of a leg's energy: the integral does not depend on it."""


@stored("amplitudes.grid")
@dataclass(frozen=True)
class Grid:
    """The bounds of an adaptive grid's bins (axes, bins + 1)."""

    bounds: npt.NDArray[Any]


@stored("amplitudes.sampled_block")
@dataclass(frozen=True)
class SampledBlock:
    """A block of samples, by its turn and number."""

    grid: Shared[Grid]
    turn: int
    block: int
    mass: float


@task("amplitudes.sample_all_plus")
def sample_all_plus(item: SampledBlock, ctx: TaskContext) -> dict[str, Any]:
    """Return the sums over a block of samples of the finite combination."""
    grid = AdaptiveGrid(np.asarray(ctx.shared(item.grid).bounds))
    integrand = FiniteCombination(AllPlusLegs(), item.mass)
    made = sample_block(integrand, grid, ctx.rng("all plus", item.turn, item.block), SAMPLES)
    return {"total": [made.total.real, made.total.imag], "squares": list(made.squares),
            "shares": made.shares}  # fmt: skip


def integrate_all_plus(config: AmplitudesConfig, run: Run) -> dict[str, Any]:
    """Return the integral beside its closed form, and how the error falls with the samples."""
    if not config.integrate:
        return {}
    run.phase("integrating the all-plus loop")
    grid = AdaptiveGrid.uniform(FiniteCombination.dimensions)
    for turn in range(TURNS):
        grid = refined_grid(grid, _blocks(grid, turn, REFINING, run))
    made = integral(_blocks(grid, TURNS, -(-config.integrate // SAMPLES), run), grid)
    found = made.estimate
    return {"integral": {
        "value": [found.value.real, found.value.imag], "error": found.error,
        "imaginary_error": found.imaginary_error, "known": RATIONAL_TERM, "samples": found.samples,
        "rate": made.rate if len(made.steps) > 1 else 0.0,
        "steps": [[one.samples, one.error, abs(one.value.real - RATIONAL_TERM)]
                  for one in made.steps],
    }}  # fmt: skip


def _blocks(grid: AdaptiveGrid, turn: int, count: int, run: Run) -> list[Block]:
    shared = run.share(Grid(grid.bounds))
    items = [SampledBlock(shared, turn, block, MASS) for block in range(count)]
    found = []
    for done, outcome in enumerate(run.stream(sample_all_plus, items, shared=shared), 1):
        one = outcome.unwrap()
        squares = (float(one["squares"][0]), float(one["squares"][1]))
        found.append(Block(SAMPLES, complex(*one["total"]), squares, np.asarray(one["shares"])))
        run.report(done, of=count, count=done * SAMPLES)
    return found
