"""What is measured of a stack of trainings on the way: errors, the loss's shape, its course."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from heliostat import stored
from heliostat_methods.adalfl.stacks.differentiable import pair_values
from heliostat_methods.adalfl.training.stacked import HISTORY, StackedTraining
from heliostat_search.loss_networks.shape import LossShape
from heliostat_search.supervised.problem import Data, Part, Problem
from heliostat_search.trainings.measures import Measure, measured

Array = npt.NDArray[Any]
GRID = 201
"""Points at which the loss's minimum is looked for."""


@stored("adalfl.measured")
@dataclass(frozen=True)
class Measured:
    """What R trainings came to; K measurements, M measures, H notes, S drawings of the loss.

    ``valid`` (R, K) is the metric on validation rows, ``test`` (R, K, M) all measures on test rows;
    infinite where a training has ended. ``noted`` (H, R, 5) is the ``HISTORY`` of the steps
    ``noted_at``. ``drawn`` (S, F, Q) are the weights of the first run's loss at each factor of the
    rate, ``minima`` (S, R) where each run's loss of a label 1 (of 0, a regression) is least.
    ``phi`` (R, Q) are the last weights, or the last finite ones; ``ended`` the step at which a run
    was stopped, -1 for none; ``reverts`` steps undone. All but ``valid`` is empty
    where it was not asked for.
    """

    valid: Array
    test: Array
    noted_at: tuple[int, ...]
    noted: Array
    drawn: Array
    minima: Array
    phi: Array
    ended: tuple[int, ...]
    reverts: tuple[int, ...]

    def of_factor(self, number: int, runs: int) -> Measured:
        """Return what the ``runs`` runs of one factor of the rate came to."""
        mine = slice(number * runs, (number + 1) * runs)
        return replace(
            self, valid=self.valid[mine], test=self.test[mine], noted=self.noted[:, mine],
            drawn=self.drawn[:, number : number + 1], minima=self.minima[:, mine],
            phi=self.phi[mine], ended=self.ended[mine], reverts=self.reverts[mine],
        )  # fmt: skip


@dataclass
class Measuring:
    """Looks at a training when it is time to: ``look`` before every step, ``note`` after it."""

    problem: Problem
    data: Data
    measured_at: tuple[int, ...]
    drawn_at: tuple[int, ...]
    noted_at: tuple[int, ...]
    detail: bool
    shape: LossShape | None
    seeds: int
    valid: list[Array]
    test: list[Array]
    notes: list[Array]
    drawn: list[Array]
    minima: list[Array]

    @classmethod
    def start(
        cls, problem: Problem, data: Data, measured_at: tuple[int, ...],
        drawn_at: tuple[int, ...], noted_at: tuple[int, ...], detail: bool,
        shape: LossShape | None, seeds: int,
    ) -> Measuring:  # fmt: skip
        """Return what has seen nothing yet.

        ``shape`` is that of a loss network, if one trains; every ``seeds`` rows are one rate's.
        """
        return cls(
            problem, data, measured_at, drawn_at if detail else (), noted_at if detail else (),
            detail, shape, seeds, [], [], [], [], [],
        )  # fmt: skip

    def look(self, training: StackedTraining) -> None:
        """Measure the models where it is time to, and draw the loss."""
        if training.taken in self.measured_at:
            metric = (self.problem.metric,)
            self.valid.append(self._of(training, self.data.valid, metric)[:, 0])
            if self.detail:
                self.test.append(self._of(training, self.data.test, self.problem.measures))
        if training.taken in self.drawn_at and self.shape is not None:
            self.drawn.append(training.meta[:: self.seeds].cpu().numpy().copy())
            self.minima.append(self._minima(training, self.shape))

    def _of(self, training: StackedTraining, part: Part, names: tuple[Measure, ...]) -> Array:
        labels = part.labels.T.cpu().numpy()
        return np.stack([measured(names, one, labels) for one in training.outputs(part)])

    def _minima(self, training: StackedTraining, shape: LossShape) -> Array:
        classify = self.problem.task == "classification"
        low, high, label = (0.0, 1.0, 1.0) if classify else (-3.0, 3.0, 0.0)
        grid = torch.linspace(low, high, GRID, dtype=torch.float64)
        phi = training.meta.detach().double().cpu()
        pairs = grid.expand(len(phi), -1)
        with torch.no_grad():
            values = pair_values(phi, shape, pairs, torch.full_like(pairs, label))
        found: Array = grid.numpy()[values.argmin(1).numpy()]
        return found

    def note(self, training: StackedTraining) -> None:
        """Take over what a step noted."""
        if training.noted:
            rows = [training.noted[name].cpu().numpy() for name in HISTORY]
            self.notes.append(np.stack(rows, axis=1).astype(np.float64))
            training.noted = {}

    def so_far(self, training: StackedTraining) -> Measured:
        """Return what was measured up to now."""
        runs = training.runs
        return Measured(
            np.stack(self.valid, 1) if self.valid else np.empty((runs, 0)),
            np.stack(self.test, 1) if self.test else np.empty((runs, 0, 0)),
            self.noted_at[: len(self.notes)],
            np.stack(self.notes) if self.notes else np.empty((0, runs, len(HISTORY))),
            np.stack(self.drawn) if self.drawn else np.empty((0, 0, 0), np.float32),
            np.stack(self.minima) if self.minima else np.empty((0, runs)),
            training.meta.cpu().numpy().copy() if self.detail else np.empty((runs, 0), np.float32),
            tuple(map(int, training.ended)),
            tuple(map(int, training.reverts)),
        )

    def load(self, kept: Measured) -> None:
        """Go on from what was measured before."""
        self.valid = list(kept.valid.T)
        self.test = list(np.swapaxes(kept.test, 0, 1)) if self.detail else []
        self.notes, self.drawn, self.minima = list(kept.noted), list(kept.drawn), list(kept.minima)
