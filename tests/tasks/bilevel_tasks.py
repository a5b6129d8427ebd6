"""Lower tasks of bilevel searches whose answers are known."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Any

import numpy as np
from machine_faults import WorkerLost

from heliostat import TaskContext
from heliostat_search.pooled_moments import PooledMean, PooledMoments
from heliostat_search.strategies.bilevel import Block, Kept, Levels, Schedule, State, solve

PROBLEMS = 3
"""Problems of each block."""


def shrinks(block: Block, ctx: TaskContext) -> PooledMoments:
    """Pull each problem's solution from the prior half way to its noisy target."""
    prior, targets = ctx.shared(block.prior), ctx.shared(block.data[0])
    mine = range(PROBLEMS * block.number, PROBLEMS * (block.number + 1))
    noise = [ctx.rng("noise", block.round, i).normal(0.0, 0.1, prior.shape) for i in mine]
    return PooledMoments.of(0.5 * (prior + targets[list(mine)] + np.array(noise)))


def goes_on(block: Block, ctx: TaskContext) -> Kept:
    """The same, but each problem goes on from its own last solution; it says how often it did."""
    prior, targets = ctx.shared(block.prior), ctx.shared(block.data[0])
    mine = list(range(PROBLEMS * block.number, PROBLEMS * (block.number + 1)))
    times, solution = block.state(ctx, (0, np.tile(prior, (PROBLEMS, 1))))
    solution = (prior + targets[mine] + solution) / 3.0
    return Kept(PooledMoments.of(solution), (times + 1, solution))


def goes_on_though_workers_die(block: Block, ctx: TaskContext) -> Kept:
    """Goes on; the first time that block 1 takes part in round 2, its process is killed."""
    marker = Path(ctx.shared(block.data[1]), "died")
    if (block.round, block.number) == (2, 1) and not marker.exists():
        marker.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return goes_on(block, ctx)


def fails_where_told(block: Block, ctx: TaskContext) -> PooledMoments:
    """Shrink, but fail in the (round, block) pairs of the second shared data."""
    if [block.round, block.number] in ctx.shared(block.data[1]):
        raise FloatingPointError(f"the loss of group {PROBLEMS * block.number} is not finite")
    return shrinks(block, ctx)


def lost_while_told(block: Block, ctx: TaskContext) -> PooledMoments:
    """Shrink; while the file of the second shared data exists, block 1 of round 2 is lost."""
    if (block.round, block.number) == (2, 1) and Path(ctx.shared(block.data[1])).exists():
        raise WorkerLost
    return shrinks(block, ctx)


def ridge(rows: Any, targets: Any, penalties: Any, groups: Any) -> tuple[Any, Any]:
    """Return the matrix of the normal equations and the weights of a ridge regression.

    Minimises the mean squared error + sum exp(penalties[groups]) * weights^2.
    """
    diagonal = len(rows) * np.exp(penalties)[groups]
    matrix = rows.T @ rows + np.diag(diagonal)
    return matrix, np.linalg.solve(matrix, rows.T @ targets)


def ridge_fold(block: Block, ctx: TaskContext) -> PooledMean:
    """Return validation loss and its gradient in the log-penalties, one fold a block.

    The weights solve A w = X'y with A = X'X + n diag(exp(penalty)), so
    dw/dpenalty_g = -A^-1 n exp(penalty_g) w restricted to group g (implicit function theorem).
    """
    penalties = ctx.shared(block.prior)
    rows, targets, groups, folds = ctx.shared(block.data[0])
    held = folds == block.number
    x, y = rows[~held], targets[~held]
    matrix, weights = ridge(x, y, penalties, groups)
    residual = rows[held] @ weights - targets[held]
    adjoint = np.linalg.solve(matrix, 2.0 / held.sum() * rows[held].T @ residual)
    each = -len(x) * np.exp(penalties)[groups] * weights * adjoint
    gradient = [each[groups == g].sum() for g in range(len(penalties))]
    return PooledMean.of([[(residual**2).mean(), *gradient]])


def move(prior: Any, merged: PooledMoments) -> Any:
    """Go to the mean of the solutions."""
    return np.asarray(merged.mean)


def spread(merged: PooledMoments) -> dict[str, float]:
    return {"spread": float(merged.variance.sum())}


def levels(lower: Any, **more: Any) -> Levels[Any, PooledMoments]:
    return Levels(lower, PooledMoments.merge, move, **{"measures": spread, **more})


def targets(blocks: int, columns: int = 2) -> Any:
    return np.random.default_rng(1).normal(size=(PROBLEMS * blocks, columns))


def shrinking(
    run: Any, lower: Any = shrinks, *, columns: int = 2, told: Any = None, **schedule: Any
) -> State[Any]:
    """Search with seven rounds of six blocks; `told` is a second piece of shared data."""
    asked = Schedule(**{"rounds": 7, "blocks": 6, "checkpoint_every": 3, **schedule})
    data = [run.share(targets(asked.blocks, columns)), run.share(told)]
    return solve(run, levels(lower), np.zeros(columns), asked, data=data)
