"""One step's gradient from fixed shards of a batch: the same bits on any number of workers.

How many shards there are is a setting, never the number of workers. Each shard is normalised by
its own moments, as data-parallel training does; gradients are weighted by images and added in the
order of the shards, in double precision.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from heliostat.errors import ConfigError, DataError
from heliostat_methods.pnag.spaces.layout import Blocks
from heliostat_methods.pnag.supernet.distillation import Loss, losses
from heliostat_methods.pnag.supernet.flat_parameters import FlatParameters
from heliostat_methods.pnag.supernet.network import Supernet
from heliostat_methods.pnag.supernet.schedule import StepPlan


@dataclass(frozen=True)
class ShardGradient:
    """What a shard says: the gradient of all parameters (float32), losses by subnet, images."""

    values: NDArray[np.float32]
    losses: tuple[float, ...]
    images: int


def shards_of(batch: NDArray[np.int64], shards: int) -> list[NDArray[np.int64]]:
    """Return the indices of a batch in parts whose sizes differ by at most one."""
    if not 1 <= shards <= len(batch):
        raise ConfigError("shards", shards, f"1 to {len(batch)}, the images of a batch")
    return np.array_split(batch, shards)


def shard_gradient(
    net: Supernet, flat: FlatParameters, teacher: Supernet | None, largest: Blocks,
    plan: StepPlan, images: Tensor, labels: Tensor, loss: Loss, soft: float,
) -> ShardGradient:  # fmt: skip
    """Return the gradient of the sum of a plan's losses on one shard."""
    flat.clear()
    found = losses(net, teacher, largest, plan, images, labels, loss, soft)
    # One pass backward for all subnets, since they share the beginnings of their graphs.
    torch.stack(list(found)).sum().backward()  # type: ignore[no-untyped-call]
    values = flat.gradients.cpu().numpy().copy()
    return ShardGradient(values, tuple(l.item() for l in found), len(images))


def summed(gradients: Sequence[ShardGradient]) -> ShardGradient:
    """Return the gradient of a batch from those of its shards, in their order."""
    if not gradients:
        raise DataError("no gradients of shards")
    if len(gradients) == 1:
        return gradients[0]
    images = sum(g.images for g in gradients)
    total = np.zeros(len(gradients[0].values))
    for gradient in gradients:
        total += (gradient.images / images) * gradient.values.astype(np.float64)
    columns = zip(*(g.losses for g in gradients), strict=True)
    means = tuple(
        math.fsum(l * g.images for l, g in zip(column, gradients, strict=True)) / images
        for column in columns
    )
    return ShardGradient(total.astype(np.float32), means, images)
