"""Batch normalisation of parts of a network: by the batch, recorded, or by given statistics.

A network calls `norm(name, x, gain, bias)` at every place of normalisation. Who passes `norm`
decides what it is: `by_batch` in training, a `Recording` in recalibration, `Given` in evaluation.
Channels of one place may come in several calls, in ascending order.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

import torch
from torch import Tensor
from torch.nn import functional as F

from heliostat.errors import DataError

EPSILON = 1e-5
Moments = tuple[Tensor, Tensor]
"""Mean and biased variance of each channel."""
Statistics = Mapping[str, Moments]
"""Moments of every place of normalisation of one subnet, by the place's name."""


class Norm(Protocol):
    """Normalises channels, then scales and shifts them."""

    def __call__(self, name: str, x: Tensor, gain: Tensor, bias: Tensor) -> Tensor:
        """Return a new tensor of the shape of `x`: (batch, channels, height, width)."""
        ...


def by_batch(name: str, x: Tensor, gain: Tensor, bias: Tensor) -> Tensor:
    """Normalise by mean and biased variance of the batch."""
    _enough(name, x)
    return F.batch_norm(x, None, None, gain, bias, training=True, eps=EPSILON)


@dataclass
class Recording:
    """Normalises by the batch and adds up the batches' moments, weighted by their images."""

    images: dict[str, int] = field(default_factory=dict)
    sums: dict[str, list[Moments]] = field(default_factory=dict)
    batch: dict[str, int] = field(default_factory=dict)

    def begin(self) -> None:
        """Say that the next calls are of another batch."""
        self.batch.clear()

    def __call__(self, name: str, x: Tensor, gain: Tensor, bias: Tensor) -> Tensor:
        """Normalise by mean and biased variance of the batch, and keep them."""
        count = _enough(name, x)
        mean, spread = torch.zeros_like(gain), torch.ones_like(gain)
        # With momentum 1 the running values are the batch's: its variance with count - 1.
        out = F.batch_norm(x, mean, spread, gain, bias, True, 1.0, EPSILON)
        part = self.batch.get(name, 0)
        self.batch[name] = part + 1
        self._add(name, part, len(x), mean.double(), spread.double() * ((count - 1) / count))
        return out

    def averaged(self) -> dict[str, Moments]:
        """Return the moments averaged over images, the parts of a place put together."""
        return {name: self._joined(name, parts) for name, parts in self.sums.items()}

    def _add(self, name: str, part: int, images: int, mean: Tensor, variance: Tensor) -> None:
        parts = self.sums.setdefault(name, [])
        if part == len(parts):
            parts.append((torch.zeros_like(mean), torch.zeros_like(variance)))
        if part == 0:
            self.images[name] = self.images.get(name, 0) + images
        parts[part][0].add_(mean, alpha=images)
        parts[part][1].add_(variance, alpha=images)

    def _joined(self, name: str, parts: list[Moments]) -> Moments:
        images = self.images[name]
        mean = torch.cat([mean for mean, _ in parts]) / images
        variance = torch.cat([variance for _, variance in parts]) / images
        return mean.float(), variance.float()


class Given:
    """Normalises by given moments; parts of a place follow each other."""

    def __init__(self, statistics: Statistics) -> None:
        self._statistics = statistics
        self._reached: dict[str, int] = {}

    def __call__(self, name: str, x: Tensor, gain: Tensor, bias: Tensor) -> Tensor:
        """Normalise by what is given for the place; DataError if there is nothing."""
        start = self._reached.get(name, 0)
        end = self._reached[name] = start + len(gain)
        if name not in self._statistics or len(self._statistics[name][0]) < end:
            raise DataError(f"statistics of {name}: none for all channels, as of another subnet")
        mean, variance = (values[start:end] for values in self._statistics[name])
        return F.batch_norm(x, mean, variance, gain, bias, False, 0.0, EPSILON)


def _enough(name: str, x: Tensor) -> int:
    count = x.numel() // x.shape[1]
    if count < 2:
        raise DataError(
            f"batch statistics of {name} need two values a channel, and a batch of {len(x)} with "
            f"{x.shape[2]} x {x.shape[3]} places has {count}; take larger batches"
        )
    return count
