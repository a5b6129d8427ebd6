"""How a network is moved: which optimiser, at which rate, for how many passes over its samples."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from heliostat.errors import ConfigError, did_you_mean
from heliostat_methods.pnag.descent.adam import Adam
from heliostat_methods.pnag.descent.nesterov import Nesterov

OPTIMISERS = ("adam", "sgd")
HIGHEST_RATE = 1e30
"""Beyond it steps are no numbers in single precision."""
LOWEST_SHARE = 1e-4
"""What a cosine schedule ends at, as a share of the rate (the authors' code)."""


@dataclass(frozen=True)
class Descent:
    """Settings of training by batches.

    `rate` falls as a half cosine to 1e-4 of itself over `cosine_epochs`, or stays if that is 0.
    The last batch of an epoch is what is left. `weight_decay` is an L2 penalty.
    """

    epochs: int = 200
    batch: int = 256
    optimiser: Literal["adam", "sgd"] = "adam"
    rate: float = 1e-3
    weight_decay: float = 1e-4
    cosine_epochs: int = 0

    def __post_init__(self) -> None:
        for name, least in (("epochs", 1), ("batch", 2), ("cosine_epochs", 0)):
            if getattr(self, name) < least:
                raise ConfigError(name, getattr(self, name), f"an integer, at least {least}")
        if self.optimiser not in OPTIMISERS:
            raise ConfigError(
                "optimiser",
                self.optimiser,
                "adam or sgd",
                did_you_mean(str(self.optimiser), OPTIMISERS),
            )
        if not 0 < self.rate <= HIGHEST_RATE:
            raise ConfigError("rate", self.rate, f"a number above 0, at most {HIGHEST_RATE:g}")
        if not (math.isfinite(self.weight_decay) and self.weight_decay >= 0):
            raise ConfigError("weight_decay", self.weight_decay, "a number, at least 0")

    def start(self, parameters: Iterable[Tensor]) -> Adam | Nesterov:
        """Return an optimiser that has seen no gradient."""
        if self.optimiser == "adam":
            return Adam(parameters, self.weight_decay)
        return Nesterov(parameters, self.weight_decay)

    def rate_in(self, epoch: int) -> float:
        """Return the rate of an epoch, counted from 0."""
        if self.cosine_epochs == 0:
            return self.rate
        done = min(epoch / self.cosine_epochs, 1.0)
        lowest = self.rate * LOWEST_SHARE
        return lowest + (self.rate - lowest) * (1 + math.cos(math.pi * done)) / 2

    def batches(self, count: int, rng: np.random.Generator) -> Iterator[NDArray[np.int64]]:
        """Yield the places of an epoch's batches among `count` samples, in random order."""
        order = rng.permutation(count)
        for begin in range(0, count, self.batch):
            yield order[begin : begin + self.batch]


AUTHORS_DESCENT = Descent(
    epochs=1000, optimiser="sgd", rate=0.2, weight_decay=3e-5, cosine_epochs=1000
)
"""How the authors train their predictors (their code)."""


def held_out(
    count: int, share: float, rng: np.random.Generator
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the places (to train on, held out) of `count` samples, a share of them held out.

    At least one sample is left to train on. Raises ConfigError for a share outside [0, 1).
    """
    if not 0 <= share < 1:
        raise ConfigError("held_out", share, "a share, from 0 and below 1")
    order = rng.permutation(count)
    rest = min(round(share * count), count - 1)
    return np.sort(order[rest:]), np.sort(order[:rest])
