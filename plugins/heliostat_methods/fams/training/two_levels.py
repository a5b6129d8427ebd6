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
from heliostat_methods.fams.config import FAMSSettings
from heliostat_methods.fams.estimators.scaling import Scaling
from heliostat_methods.fams.gaussian.batches import SubgroupBatcher
from heliostat_methods.fams.gaussian.block import BlockResult
from heliostat_methods.fams.gaussian.lower_level import lower_level
from heliostat_methods.fams.gaussian.moments import Moments
from heliostat_methods.fams.gaussian.network import GaussianMLP
from heliostat_methods.fams.gaussian.posteriors import Posteriors
from heliostat_methods.fams.gaussian.prediction import scores
from heliostat_methods.fams.gaussian.rounds import Schedule
from heliostat_methods.fams.gaussian.settings import LowerLevel
from heliostat_methods.fams.gaussian.upper_level import PriorState
from heliostat_methods.fams.training.problem import Problem, Rows, rows_of
from heliostat_search.pooled_moments import PooledMean, PooledMoments
from heliostat_search.strategies.bilevel import Block, Kept

NAMED_GROUPS = 12
"""Subgroups up to which the divergence of each is kept round by round."""


@stored("fams.training")
@dataclass(frozen=True)
class Training:
    """One training: of which rows, with which settings.

    `split`: seed of the split; `rows`: whether validation rows train as well; `seed`: of all else.
    """

    problem: Shared[Problem]
    method: FAMSSettings
    hidden: tuple[int, ...]
    split: int
    seed: int
    block: int
    device: str = "cpu"
    with_validation: bool = True

    @property
    def lower(self) -> LowerLevel:
        """The settings of the lower level."""
        m = self.method
        return LowerLevel(
            divergence=m.divergence, lam=m.lam, n_mc=m.n_mc, eps=m.eps, inner=m.inner,
            seed=self.seed, normalise=m.normalise, device=self.device,
        )  # fmt: skip

    @property
    def schedule(self) -> Schedule:
        """Learning rates and the upper level, by round from 0 on."""
        m = self.method
        return Schedule(
            rounds=m.rounds, lr_posterior=m.lr_posterior, upper=m.upper, damping=m.damping,
            lr_prior=m.lr_prior, outer_steps=m.outer_steps, persist=m.persist, seed=self.seed,
        )  # fmt: skip


@stored("fams.prior")
@dataclass(frozen=True, eq=False)
class Prior:
    """The common distribution before a round: means and log-variances (P,) float32.

    `squares` (2, P): what Adagrad remembers, where the upper level is its.
    """

    dims: tuple[int, ...]
    mean: NDArray[np.float32]
    log_variance: NDArray[np.float32]
    squares: NDArray[np.float64] | None = None
    round: int = 0

    @property
    def network(self) -> GaussianMLP:
        """The same as a stack of one network, on memory of its own."""
        return GaussianMLP.from_arrays(self.dims, self.mean.copy(), self.log_variance.copy())

    @property
    def state(self) -> PriorState:
        """The same as an upper level takes it."""
        if self.squares is None:
            return PriorState.fresh(self.network)
        return PriorState(self.network, self.squares)

    @classmethod
    def of(cls, state: PriorState, round: int, *, remember: bool) -> Prior:
        """Return the prior that a state holds, with Adagrad's memory if it is needed."""
        mean, log_variance = (x[0].astype(np.float32) for x in state.prior.arrays())
        squares = state.squares if remember else None
        return cls(state.prior.dims, mean, log_variance, squares, round)


@stored("fams.model")
@dataclass(frozen=True, eq=False)
class Model:
    """What a training leaves to predict with: the prior, and how inputs are scaled for it."""

    prior: Prior
    scaling: Scaling
    n_mc: int
    eps: float
    seed: int

    @classmethod
    def of(cls, prior: Prior, scaling: Scaling, training: Training) -> Model:
        """Return the model of a training."""
        return cls(prior, scaling, training.method.n_mc, training.method.eps, training.seed)

    def scores(self, inputs: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the probability of the second class for inputs (rows, features)."""
        return scores(
            self.prior.network, self.scaling(inputs), eps=self.eps, n_mc=self.n_mc, seed=self.seed
        )


@stored("fams.summary")
@dataclass(frozen=True, eq=False)
class Summary:
    """What a block answers: pooled posteriors, and each subgroup's loss and divergence."""

    pooled: PooledMean | PooledMoments
    groups: NDArray[np.int32]
    loss: NDArray[np.float32]
    divergence: NDArray[np.float32]

    def merge(self, other: Summary) -> Summary:
        """Return the summary of both."""
        return Summary(
            self.pooled.merge(other.pooled),  # type: ignore[arg-type]
            np.concatenate((self.groups, other.groups)),
            np.concatenate((self.loss, other.loss)),
            np.concatenate((self.divergence, other.divergence)),
        )


@dataclass(frozen=True, eq=False)
class Prepared:
    """Training rows of a split, scaled by themselves, ready to be drawn from."""

    rows: Rows
    scaling: Scaling
    batcher: SubgroupBatcher

    @property
    def present(self) -> NDArray[np.int64]:
        """Numbers of the subgroups that have training rows."""
        return self.batcher.present

    def shares(self, weights: str) -> NDArray[np.float64]:
        """Return the weights of all subgroups in the upper level."""
        sizes = self.batcher.sizes.astype(np.float64)
        return sizes if weights == "population" else np.ones(len(sizes))


def split_rows(problem: Problem, split: int, *, with_validation: bool) -> tuple[Rows, Rows, Rows]:
    """Return training, validation and test rows of a split."""
    parts = problem.split(np.random.Generator(np.random.Philox(key=split)))
    train = np.concatenate((parts.train, parts.valid)) if with_validation else parts.train
    train_rows, valid_rows, test_rows = (
        rows_of(problem, rows) for rows in (train, parts.valid, parts.test)
    )
    return train_rows, valid_rows, test_rows


def prepared(problem: Problem, training: Training) -> Prepared:
    """Return the training rows of a training."""
    rows, _, _ = split_rows(problem, training.split, with_validation=training.with_validation)
    scaling = Scaling.of(rows.inputs)
    batcher = SubgroupBatcher(
        scaling(rows.inputs), rows.labels, rows.groups.codes, training.method.batch, training.seed
    )
    return Prepared(rows, scaling, batcher)


def start(prepared: Prepared, training: Training) -> Prior:
    """Return the prior before the first round."""
    dims = (prepared.rows.inputs.shape[1], *training.hidden, 1)
    state = PriorState.fresh(GaussianMLP.initial(dims, training.seed))
    return Prior.of(state, 0, remember=training.method.upper == "adagrad")


@task("fams.adapt")
def adapt(block: Block, ctx: TaskContext) -> Summary | Kept:
    """Adapt a block's subgroups to their rows, from the prior or from where they stood."""
    handle, problem = block.data
    training: Training = ctx.shared(handle)
    ready = _kept(handle, problem, ctx)
    begin = block.number * training.block
    groups = ready.present[begin : begin + training.block]
    keep = training.method.persist == "persistent"
    state = _posteriors(block.state(ctx))
    prior, round = ctx.shared(block.prior).network, block.round - 1  # from 0 on, as alone
    if keep and state is None:
        state = Posteriors.at_prior(prior, len(groups))
    result = lower_level(
        prior,
        state,
        ready.batcher(round, groups),
        round,
        training.schedule.rate(round),
        training.lower,
        shares=ready.shares(training.method.group_weights)[groups],
        keep=keep,
    )
    summary = _summary(result, groups, training.method.divergence)
    return Kept(summary, _plain(result.posteriors)) if keep else summary


_newest: dict[tuple[str, str], Prepared] = {}
"""Prepared rows by the hashes of training and problem: what they hold follows from these alone."""
KEPT = 4


def _kept(handle: Shared[Training], problem: Shared[Problem], ctx: TaskContext) -> Prepared:
    """Return the rows of a training, prepared once in each worker while it is among the newest."""
    key = handle.sha256, problem.sha256
    if key not in _newest:
        while len(_newest) >= KEPT:
            del _newest[next(iter(_newest))]
        _newest[key] = prepared(ctx.shared(problem), ctx.shared(handle))
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

    Of few subgroups each has its own.
    """

    def of(merged: Summary) -> Mapping[str, float]:
        apart = merged.divergence.astype(np.float64)
        found = {
            "loss": float(merged.loss.mean(dtype=np.float64)),
            "divergence_low": float(np.quantile(apart, 0.1)),
            "divergence": float(np.median(apart)),
            "divergence_high": float(np.quantile(apart, 0.9)),
        }
        if len(names) <= NAMED_GROUPS:
            for group, value in zip(merged.groups.tolist(), apart.tolist(), strict=True):
                found[names[group]] = value
        return found

    return of


def _plain(posteriors: Posteriors | None) -> tuple[Any, ...] | None:
    if posteriors is None:
        return None
    mean, log_variance = posteriors.networks.arrays()
    memory = (posteriors.sum_mean.numpy(), posteriors.sum_log_variance.numpy())
    return (posteriors.networks.dims, mean, log_variance, *memory)


def _posteriors(plain: tuple[Any, ...] | None) -> Posteriors | None:
    if plain is None:
        return None
    import torch

    dims, *arrays = plain
    mean, log_variance, first, second = (torch.from_numpy(np.array(x)) for x in arrays)
    return Posteriors(GaussianMLP(tuple(dims), mean, log_variance), first, second)
