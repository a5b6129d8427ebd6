"""One training: its settings, the rows of its split, and what it starts from."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from heliostat import PartRef, Shared, stored
from heliostat_methods.fams.config import FAMSSettings
from heliostat_methods.fams.estimators.scaling import Scaling
from heliostat_methods.fams.gaussian.batches import SubgroupBatcher
from heliostat_methods.fams.gaussian.network import GaussianMLP
from heliostat_methods.fams.gaussian.rounds import Schedule
from heliostat_methods.fams.gaussian.settings import Loss, LowerLevel
from heliostat_methods.fams.gaussian.upper_level import PriorState
from heliostat_methods.fams.training.prior import Model, Prior
from heliostat_methods.fams.training.problem import Part, Problem, training_rows


@stored("fams.training")
@dataclass(frozen=True)
class Training:
    """One training: of which rows, with which settings.

    `split`: seed of the split; `seed`: of all else; `block`: subgroups that a task adapts; `part`:
    the rows that judge it.
    """

    problem: Shared[Problem]
    method: FAMSSettings
    hidden: tuple[int, ...]
    split: int
    seed: int
    block: int
    part: Part = "test"
    loss: PartRef | None = None

    def lower(self, device: str, loss: Loss | None = None) -> LowerLevel:
        """Return the settings of the lower level on a device of torch, for the loss named."""
        own = _shared(self.method, LowerLevel)
        return LowerLevel(**own, seed=self.seed, device=device, loss=loss)

    @property
    def schedule(self) -> Schedule:
        """Learning rates and the upper level, by round from 0 on."""
        return Schedule(**_shared(self.method, Schedule), seed=self.seed)


def _shared(method: FAMSSettings, kind: type[LowerLevel | Schedule]) -> dict[str, Any]:
    """Return the settings of the method that a level has under the same name."""
    known = type(method).model_fields
    return {one.name: getattr(method, one.name) for one in fields(kind) if one.name in known}


@dataclass(frozen=True, eq=False)
class Prepared:
    """Training rows, scaled by themselves, ready to be drawn from."""

    scaling: Scaling
    batcher: SubgroupBatcher

    @property
    def present(self) -> NDArray[np.int64]:
        """Numbers of the subgroups that have training rows."""
        return self.batcher.present

    @property
    def bytes(self) -> int:
        """Room that its rows take in memory."""
        return self.batcher.inputs.nbytes

    def shares(self, weights: str) -> NDArray[np.float64]:
        """Return the weights of all subgroups in the upper level."""
        sizes = self.batcher.sizes.astype(np.float64)
        return sizes if weights == "population" else np.ones(len(sizes))


def prepared(problem: Problem, training: Training) -> Prepared:
    """Return the training rows of a training."""
    rows = training_rows(problem, training.split, training.part)
    scaling = Scaling.of(rows.inputs)
    batcher = SubgroupBatcher(
        scaling(rows.inputs), rows.labels, rows.groups.codes, training.method.batch, training.seed
    )
    return Prepared(scaling, batcher)


def start(prepared: Prepared, training: Training) -> Prior:
    """Return the prior before the first round."""
    dims = (len(prepared.scaling.centre), *training.hidden, 1)
    state = PriorState.fresh(GaussianMLP.initial(dims, training.seed))
    return Prior.of(state, 0, remember=training.method.upper == "adagrad")


def model(prior: Prior, scaling: Scaling, training: Training, classes: tuple[str, ...]) -> Model:
    """Return what a training leaves to predict with; `classes`: what labels 0 and 1 are called."""
    method = training.method
    return Model(prior, scaling, method.n_mc, method.eps, training.seed, classes)
