"""The lower level of a block of groups: pure functions from prior and batch to what was learnt.

On the CPU, compiled code works out one group after the other. A block may be cut anywhere: losses,
divergences and posteriors are those of the whole, bit for bit, and moments that are merged in the
order of the groups from the same blocks are the same bits too. One thread does the work of one
call, whatever the process allows BLAS.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray

from heliostat_methods.fams.gaussian.adaptation import adapt
from heliostat_methods.fams.gaussian.batches import Batch
from heliostat_methods.fams.gaussian.block import (
    BlockResult,
    LossNotFinite,
    prior_arrays,
    row_weights,
    stacked,
    steps,
)
from heliostat_methods.fams.gaussian.dense import room
from heliostat_methods.fams.gaussian.descent import LEAST, MOST
from heliostat_methods.fams.gaussian.moments import Moments
from heliostat_methods.fams.gaussian.network import GaussianMLP
from heliostat_methods.fams.gaussian.posteriors import Posteriors
from heliostat_methods.fams.gaussian.settings import LowerLevel
from heliostat_methods.fams.groups.arguments import ArrayError


def lower_level(
    prior: GaussianMLP,
    posteriors: Posteriors | None,
    batch: Batch,
    round: int,
    rate: float,
    settings: LowerLevel,
    *,
    shares: ArrayLike | None = None,
    keep: bool = False,
) -> BlockResult:
    """Adapt the groups of a batch by `settings.inner` steps of Adagrad at learning rate `rate`.

    `posteriors` None: each starts at the prior, with no memory; else they go on from there and come
    back in the result, the given ones unchanged. `shares` (G,): the groups' weights in the moments.
    `keep`: return the posteriors also of a restart. Noise depends on (seed, round, group) alone.
    Raises LossNotFinite, and ArrayError where prior, posteriors and batch do not fit together.
    """
    _check(prior, posteriors, batch)
    weights = np.ones(len(batch)) if shares is None else np.asarray(shares, np.float64)
    if torch.device(settings.device).type != "cpu":
        from heliostat_methods.fams.gaussian.batched import adapt_block
    elif settings.loss is not None:
        from heliostat_methods.fams.gaussian.any_loss import adapt_block
    else:
        adapt_block = _adapt_block
    with one_thread(), flushed_denormals():
        return adapt_block(prior, posteriors, batch, round, rate, settings, weights, keep)


def _adapt_block(
    prior: GaussianMLP,
    posteriors: Posteriors | None,
    batch: Batch,
    round: int,
    rate: float,
    settings: LowerLevel,
    shares: NDArray[np.float64],
    keep: bool,
) -> BlockResult:
    size = prior.mean.shape[1]
    stack, kept = stacked(prior, posteriors, len(batch), keep)
    total, loss, apart = Moments.none(size), np.zeros(len(batch)), np.zeros(len(batch))
    bad, clamped = adapt(
        np.array(prior.dims), batch.groups, batch.inputs, batch.targets, row_weights(batch),
        prior_arrays(prior, settings), steps(settings, size, round, rate), stack,
        posteriors is None, shares, total.mean, total.m2, total.sum_sigma,
        room(prior.dims, batch.inputs.shape[2], settings.draws), loss, apart,
    )  # fmt: skip
    if bad >= 0:
        raise LossNotFinite(int(batch.groups[bad]), round)
    moments = Moments(float(shares.sum()), total.mean, total.m2, total.sum_sigma)
    return BlockResult(moments, loss, apart, kept, int(clamped))


def warn_of_clamping() -> None:
    """Say once a training that log-variances were clamped."""
    warnings.warn(
        f"log-variances were clamped to [{LEAST:g}, {MOST:g}]; lower the learning rate",
        RuntimeWarning,
        stacklevel=3,
    )


def _check(prior: GaussianMLP, posteriors: Posteriors | None, batch: Batch) -> None:
    if len(prior) != 1:
        raise ArrayError(f"prior holds {len(prior)} networks, expected 1")
    if batch.inputs.shape[1] - 1 != prior.dims[0]:
        raise ArrayError(
            f"batch has {batch.inputs.shape[1] - 1} features, prior expects {prior.dims[0]}"
        )
    if posteriors is not None and len(posteriors) != len(batch):
        raise ArrayError(f"posteriors are of {len(posteriors)} groups, batch of {len(batch)}")
    if posteriors is not None and posteriors.networks.dims != prior.dims:
        raise ArrayError(f"posteriors have dims {posteriors.networks.dims}, prior {prior.dims}")


@contextmanager
def one_thread() -> Iterator[None]:
    """Hold BLAS and torch to one thread: a product's bits may depend on how many share it.

    Arrays here are small: more threads would wait for each other, and busily.
    """
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with _blas().limit(limits=1, user_api="blas"):
            yield
    finally:
        torch.set_num_threads(before)


@lru_cache(maxsize=1)
def _blas() -> Any:
    import scipy.linalg.cython_blas  # noqa: F401  what compiled products call
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()


@contextmanager
def flushed_denormals() -> Iterator[None]:
    """Take subnormal numbers as 0 in this thread: products of them are a hundred times slower."""
    tiny = torch.tensor([1e-39])
    before = bool((tiny * 1.0 == 0).item())
    torch.set_flush_denormal(True)
    try:
        yield
    finally:
        torch.set_flush_denormal(before)
