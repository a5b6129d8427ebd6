"""Lower tasks that only leave what a fit of many posteriors would: values of its size and noise."""

from __future__ import annotations

from typing import Any

import numpy as np

from heliostat import TaskContext
from heliostat_search.pooled_moments import PooledMoments
from heliostat_search.strategies.bilevel import Block, Kept

GROUPS = 872
BLOCKS = 28
"""872 groups in 28 blocks: the census of 1994 and 1995 by education, race, sex and age."""


def _posteriors(block: Block, ctx: TaskContext) -> tuple[Any, Any]:
    """Return means and variances (groups of the block, parameters) near the prior's."""
    mean, variance = ctx.shared(block.prior)
    groups = len(range(block.number, GROUPS, BLOCKS))
    noise = ctx.rng("noise", block.round, block.number).normal(0.0, 0.01, (2, groups, len(mean)))
    return mean + noise[0], variance * np.exp(noise[1])


def double(block: Block, ctx: TaskContext) -> PooledMoments:
    """Summarise in double precision."""
    means, variances = _posteriors(block, ctx)
    return PooledMoments.of(means, within=variances)


def single(block: Block, ctx: TaskContext) -> PooledMoments:
    """Summarise in single precision."""
    return double(block, ctx).single()


def persistent(block: Block, ctx: TaskContext) -> Kept:
    """Summarise, and keep means, variances and a gradient's second moment of each."""
    means, variances = _posteriors(block, ctx)
    state = [x.astype(np.float32) for x in (means, variances, means**2, variances**2)]
    return Kept(PooledMoments.of(means, within=variances).single(), state)
