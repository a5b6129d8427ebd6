"""The method's own training as a bilevel search: blocks of subgroups below, the prior above.

A block adapts its subgroups from the prior and answers with two numbers a weight, whatever its
size: means and variances for KL, means and deviations for W2, which is all that either upper level
needs. So the journal does not grow with the number of subgroups.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from heliostat import Shared, TaskContext, stored, task
from heliostat_methods.fams.gaussian.block import BlockResult
from heliostat_methods.fams.gaussian.lower_level import lower_level
from heliostat_methods.fams.gaussian.moments import Moments
from heliostat_methods.fams.gaussian.network import GaussianMLP
from heliostat_methods.fams.gaussian.posteriors import Posteriors
from heliostat_methods.fams.training.measures import CLAMPED, OWN
from heliostat_methods.fams.training.prepared import Prepared, Training, prepared
from heliostat_methods.fams.training.prior import Prior
from heliostat_methods.fams.training.problem import Problem
from heliostat_search.pooled_moments import PooledMean, PooledMoments
from heliostat_search.strategies.bilevel import Block, Kept

NAMED_GROUPS = 12
"""Subgroups up to which the divergence of each is kept round by round."""


@stored("fams.summary")
@dataclass(frozen=True, eq=False)
class Summary:
    """What a block answers: pooled posteriors, and each subgroup's loss and divergence.

    `clamped`: how often a log-variance was held to its bounds.
    """

    pooled: PooledMean | PooledMoments
    groups: NDArray[np.int32]
    loss: NDArray[np.float32]
    divergence: NDArray[np.float32]
    clamped: int = 0

    def merge(self, other: Summary) -> Summary:
        """Return the summary of both."""
        return Summary(
            self.pooled.merge(other.pooled),  # type: ignore[arg-type]
            np.concatenate((self.groups, other.groups)),
            np.concatenate((self.loss, other.loss)),
            np.concatenate((self.divergence, other.divergence)),
            self.clamped + other.clamped,
        )


@task("fams.adapt")
def adapt(block: Block, ctx: TaskContext) -> Summary | Kept:
    """Adapt a block's subgroups to their rows, from the prior or from where they stood."""
    handle, problem = block.data
    training: Training = ctx.shared(handle)
    ready = _kept(handle, problem, ctx)
    begin = block.number * training.block
    groups = ready.present[begin : begin + training.block]
    prior, round = ctx.shared(block.prior).network, block.round - 1  # from 0 on, as alone
    keep = training.method.persist == "persistent"
    state = _posteriors(block.state(ctx))
    if keep and state is None:
        state = Posteriors.at_prior(prior, len(groups))
    loss = None if training.loss is None else ctx.part("loss", training.loss)
    result = lower_level(
        prior, state, ready.batcher(round, groups), round, training.schedule.rate(round),
        training.lower(ctx.device, loss),
        shares=ready.shares(training.method.group_weights)[groups], keep=keep,
    )  # fmt: skip
    summary = _summary(result, groups, training.method.divergence)
    return Kept(summary, _plain(result.posteriors)) if keep else summary


_newest: dict[tuple[str, str], Prepared] = {}
"""Prepared rows by the hashes of training and problem: what they hold follows from these alone."""
ROOM = 1 << 29
"""Bytes of prepared rows that a worker keeps: trainings side by side take turns on it."""


def _kept(handle: Shared[Training], problem: Shared[Problem], ctx: TaskContext) -> Prepared:
    """Return the rows of a training, prepared once in each worker while there is room."""
    key = handle.sha256, problem.sha256
    if key not in _newest:
        made = prepared(ctx.shared(problem), ctx.shared(handle))
        while _newest and made.bytes + sum(one.bytes for one in _newest.values()) > ROOM:
            del _newest[next(iter(_newest))]
        _newest[key] = made
    return _newest[key]


def _summary(result: BlockResult, groups: NDArray[np.int64], kind: str) -> Summary:
    sums = result.moments
    pooled: PooledMean | PooledMoments
    if kind == "kl":
        pooled = PooledMoments(sums.weight, sums.mean, sums.m2 / sums.weight).single()
    else:
        both = np.concatenate((sums.mean, sums.sum_sigma / sums.weight))
        pooled = PooledMean(sums.weight, both).single()
    return Summary(
        pooled,
        groups.astype(np.int32),
        result.loss.astype(np.float32),
        result.divergence.astype(np.float32),
        int(result.clamped),
    )


def _moments(pooled: PooledMean | PooledMoments) -> Moments:
    """Return what an upper level reads; the half that its divergence does not need is 0."""
    if isinstance(pooled, PooledMoments):
        mean, squares = (x.astype(np.float64) for x in (pooled.mean, pooled.variance))
        return Moments(pooled.weight, mean, squares * pooled.weight, np.zeros_like(mean))
    mean, sigma = np.split(pooled.mean.astype(np.float64), 2)
    return Moments(pooled.weight, mean, np.zeros_like(mean), sigma * pooled.weight)


def move(training: Training) -> Callable[[Prior, Summary], Prior]:
    """Return the upper level: the next prior, given the merged summary of a round."""
    schedule, kind = training.schedule, training.method.divergence

    def upper(prior: Prior, merged: Summary) -> Prior:
        after = schedule.next_prior(prior.state, _moments(merged.pooled), kind, prior.round)
        return Prior.of(after, prior.round + 1, remember=prior.squares is not None)

    return upper


def measures(names: tuple[str, ...]) -> Callable[[Summary], Mapping[str, float]]:
    """Return the function of a round's summary to numbers: loss, and how far subgroups stand off.

    Of few subgroups each has its own, under its name after `OWN`.
    """

    def of(merged: Summary) -> Mapping[str, float]:
        apart = merged.divergence.astype(np.float64)
        found = {
            "loss": float(merged.loss.mean(dtype=np.float64)),
            "divergence_low": float(np.quantile(apart, 0.1)),
            "divergence": float(np.median(apart)),
            "divergence_high": float(np.quantile(apart, 0.9)),
        }
        if merged.clamped:
            found[CLAMPED] = float(merged.clamped)
        if len(names) <= NAMED_GROUPS:
            for group, value in zip(merged.groups.tolist(), apart.tolist(), strict=True):
                found[OWN + names[group]] = value
        return found

    return of


def _plain(posteriors: Posteriors | None) -> tuple[Any, ...] | None:
    if posteriors is None:
        return None
    mean, log_variance = posteriors.networks.arrays()
    memory = (x.cpu().numpy() for x in (posteriors.sum_mean, posteriors.sum_log_variance))
    return (posteriors.networks.dims, mean, log_variance, *memory)


def _posteriors(plain: tuple[Any, ...] | None) -> Posteriors | None:
    if plain is None:
        return None
    import torch

    dims, *arrays = plain
    mean, log_variance, first, second = (torch.from_numpy(np.array(x)) for x in arrays)
    return Posteriors(GaussianMLP(tuple(dims), mean, log_variance), first, second)
