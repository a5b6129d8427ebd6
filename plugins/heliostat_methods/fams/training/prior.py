"""The common distribution between two rounds, and the model that it is at the end."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from heliostat import stored
from heliostat_methods.fams.estimators.scaling import Scaling
from heliostat_methods.fams.gaussian.network import GaussianMLP
from heliostat_methods.fams.gaussian.prediction import scores
from heliostat_methods.fams.gaussian.upper_level import PriorState
from heliostat_methods.fams.groups.arguments import matrix


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
    """What a training leaves to predict with: the prior, and how inputs are scaled for it.

    `classes`: names of the labels 0 and 1; scores are the probability of `classes[1]`.
    """

    prior: Prior
    scaling: Scaling
    n_mc: int
    eps: float
    seed: int
    classes: tuple[str, ...] = ("0", "1")

    def scores(self, inputs: ArrayLike) -> NDArray[np.float64]:
        """Return the probability of `classes[1]`, (rows,), for inputs (rows, features).

        Raises ArrayError for another number of columns, and naming what is no finite number.
        """
        scaled = self.scaling(matrix("inputs", inputs, len(self.scaling.centre)))
        return scores(self.prior.network, scaled, eps=self.eps, n_mc=self.n_mc, seed=self.seed)
