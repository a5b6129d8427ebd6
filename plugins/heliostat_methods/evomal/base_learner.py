"""The base model on one data set behind one interface: closed form where it applies, else autograd.

A dense ReLU network with one inner step takes the compiled path (`unrolled`, `training`), any
other torch model the generic one (`torch_unrolled`, `torch_training`). Both draw the same numbers
from the same streams, so they agree to rounding wherever both apply.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import numpy.typing as npt

from heliostat_methods.evomal import rejection, training, unrolled
from heliostat_methods.evomal.problem import LearningProblem, ProblemData, Streams
from heliostat_methods.evomal.program import LossProgram
from heliostat_methods.evomal.training import TrainedRuns, TrainingConfig, TrainingState
from heliostat_methods.evomal.unrolled import TunedLosses, Tuning, UnrolledConfig

if TYPE_CHECKING:
    from heliostat_methods.evomal.torch_problem import TorchProblem

Array = npt.NDArray[Any]


class BaseLearner(Protocol):
    """What a search asks of a base model; rows P are candidates, R replicas of one loss."""

    @property
    def data(self) -> ProblemData:
        """Return the data set and the model."""
        ...

    def meta_stepper(
        self, program: LossProgram, tuning: Tuning, config: UnrolledConfig, streams: Streams
    ) -> Callable[[int], Array]:
        """Return what takes meta step k and gives the objective after it, (P,)."""
        ...

    def fresh_predictions(self, samples: int, streams: Streams) -> tuple[Array, Array]:
        """Return a fresh model's outputs and the labels, both (C, samples)."""
        ...

    def train(
        self, program: LossProgram, weights: Array, config: TrainingConfig, streams: Streams,
        state: TrainingState | None = None, until: int | None = None,
    ) -> TrainedRuns:  # fmt: skip
        """Train one model with every candidate, from the same parameters over the same batches."""
        ...

    def train_replicas(
        self, program: LossProgram, weights: Array, config: TrainingConfig,
        replicas: Sequence[Streams], curve_steps: Sequence[int] = (),
    ) -> TrainedRuns:  # fmt: skip
        """Train one tree under several seeds."""
        ...

    def tune_module(self, loss: Any, config: UnrolledConfig, streams: Streams) -> Array:
        """Tune a torch loss's parameters in place; returns the objective, (meta_steps,)."""
        ...

    def train_module(
        self, loss: Any, config: TrainingConfig, replicas: Sequence[Streams],
        curve_steps: Sequence[int] = (),
    ) -> TrainedRuns:  # fmt: skip
        """Train any torch loss under several seeds."""
        ...


@dataclass(frozen=True)
class TorchLearner:
    """Any torch model, by automatic differentiation."""

    data: ProblemData
    measured: tuple[Array, Array]

    @cached_property
    def problem(self) -> TorchProblem:
        """Return the data as tensors, with the model's recipe."""
        from heliostat.plugins import registry
        from heliostat_methods.evomal.torch_problem import TorchProblem

        spec = registry().part("model", self.data.model.name)
        recipe = spec.build(spec.config.model_validate(dict(self.data.model.params)))
        return TorchProblem.from_rows(
            *self.data.train, *self.measured, task=self.data.task, model=recipe,
            input_shape=self.data.input_shape, classes=self.data.classes,
        )  # fmt: skip

    def meta_stepper(
        self, program: LossProgram, tuning: Tuning, config: UnrolledConfig, streams: Streams
    ) -> Callable[[int], Array]:
        """Return what takes one meta step; see `torch_unrolled`."""
        from heliostat_methods.evomal import torch_unrolled

        return torch_unrolled.meta_stepper(program, tuning, self.problem, config, streams)

    def fresh_predictions(self, samples: int, streams: Streams) -> tuple[Array, Array]:
        """Return outputs of a fresh model in training mode."""
        from heliostat_methods.evomal import torch_training

        return torch_training.fresh_predictions(self.problem, samples, streams)

    def train(
        self, program: LossProgram, weights: Array, config: TrainingConfig, streams: Streams,
        state: TrainingState | None = None, until: int | None = None,
    ) -> TrainedRuns:  # fmt: skip
        """Train one model with every candidate."""
        from heliostat_methods.evomal import torch_training

        return torch_training.train(
            program, weights, self.problem, config, streams, state=state, until=until
        )

    def train_replicas(
        self, program: LossProgram, weights: Array, config: TrainingConfig,
        replicas: Sequence[Streams], curve_steps: Sequence[int] = (),
    ) -> TrainedRuns:  # fmt: skip
        """Train one tree under several seeds."""
        from heliostat_methods.evomal import torch_training

        return torch_training.train_replicas(
            program, weights, self.problem, config, replicas, curve_steps
        )

    def tune_module(self, loss: Any, config: UnrolledConfig, streams: Streams) -> Array:
        """Tune a torch loss's parameters in place."""
        from heliostat_methods.evomal import torch_unrolled

        history: Array = torch_unrolled.tune_module(loss, self.problem, config, streams)
        return history

    def train_module(
        self, loss: Any, config: TrainingConfig, replicas: Sequence[Streams],
        curve_steps: Sequence[int] = (),
    ) -> TrainedRuns:  # fmt: skip
        """Train any torch loss under several seeds."""
        from heliostat_methods.evomal import torch_training

        return torch_training.train_module(loss, self.problem, config, replicas, curve_steps)


@dataclass(frozen=True)
class DenseLearner:
    """A dense ReLU network, by the compiled closed form; losses that are no trees use torch."""

    data: ProblemData
    measured: tuple[Array, Array]

    @cached_property
    def problem(self) -> LearningProblem:
        """Return the data as the kernels take them."""
        return LearningProblem.from_rows(
            *self.data.train, *self.measured, task=self.data.task,
            hidden=self.data.hidden or (), classes=self.data.classes,
        )  # fmt: skip

    @cached_property
    def _torch(self) -> TorchLearner:
        return TorchLearner(self.data, self.measured)

    def meta_stepper(
        self, program: LossProgram, tuning: Tuning, config: UnrolledConfig, streams: Streams
    ) -> Callable[[int], Array]:
        """Return what takes one meta step; see `unrolled`."""
        return unrolled.meta_stepper(program, tuning, self.problem, config, streams)

    def fresh_predictions(self, samples: int, streams: Streams) -> tuple[Array, Array]:
        """Return outputs of a fresh network."""
        return rejection.fresh_predictions(self.problem, samples, streams)

    def train(
        self, program: LossProgram, weights: Array, config: TrainingConfig, streams: Streams,
        state: TrainingState | None = None, until: int | None = None,
    ) -> TrainedRuns:  # fmt: skip
        """Train one network with every candidate."""
        return training.train(
            program, weights, self.problem, config, streams, state=state, until=until
        )

    def train_replicas(
        self, program: LossProgram, weights: Array, config: TrainingConfig,
        replicas: Sequence[Streams], curve_steps: Sequence[int] = (),
    ) -> TrainedRuns:  # fmt: skip
        """Train one tree under several seeds."""
        return training.train_replicas(
            program, weights, self.problem, config, replicas, curve_steps
        )

    def tune_module(self, loss: Any, config: UnrolledConfig, streams: Streams) -> Array:
        """Tune a torch loss's parameters in place."""
        return self._torch.tune_module(loss, config, streams)

    def train_module(
        self, loss: Any, config: TrainingConfig, replicas: Sequence[Streams],
        curve_steps: Sequence[int] = (),
    ) -> TrainedRuns:  # fmt: skip
        """Train any torch loss under several seeds."""
        return self._torch.train_module(loss, config, replicas, curve_steps)


def learner(data: ProblemData, measured: tuple[Array, Array]) -> BaseLearner:
    """Return the learner that fits the model, measuring on `measured` rows."""
    return TorchLearner(data, measured) if data.hidden is None else DenseLearner(data, measured)


def tune(
    learners: Sequence[BaseLearner], program: LossProgram, weights: Array,
    config: UnrolledConfig, streams: Streams,
) -> TunedLosses:  # fmt: skip
    """Tune a block's weights on one problem, or on several in turn: step k on problem k mod T.

    With one problem the streams are ``streams("init")`` and so on, with several each problem has
    its own, ``streams("problem", t, "init")``. Taking turns is our reading of training a loss on
    several tasks at once: the published description does not say how the steps are divided.
    """
    tuning = Tuning.start(program, weights, np.float32)
    steppers = []
    for t, one in enumerate(learners):
        steppers.append(one.meta_stepper(program, tuning, config, _own(streams, t, len(learners))))
    history = np.empty((config.meta_steps, program.count), np.float32)
    for k in range(config.meta_steps):
        history[k] = steppers[k % len(steppers)](k)
    return TunedLosses(tuning.weights, history)


def _own(streams: Streams, problem: int, of: int) -> Streams:
    if of == 1:
        return streams

    def prefixed(*name: int | str) -> np.random.Generator:
        return streams("problem", problem, *name)

    return prefixed


def accept(
    learners: Sequence[BaseLearner], program: LossProgram, weights: Array,
    config: rejection.RejectionConfig, streams: Streams,
) -> npt.NDArray[np.bool_]:  # fmt: skip
    """Return the mask (P,) of candidates that pass the rejection protocol on every problem."""
    passed = np.ones(program.count, np.bool_)
    for t, one in enumerate(learners):
        mine = _own(streams, t, len(learners))
        predictions, labels = one.fresh_predictions(config.samples, mine)
        passed &= rejection.improvements(
            program, weights, predictions, labels,
            classify=one.data.task == "classification", metric=one.data.metric, config=config,
        ) > 0  # fmt: skip
    return passed


def train(
    learners: Sequence[BaseLearner], program: LossProgram, weights: Array,
    config: TrainingConfig, streams: Streams,
    states: Sequence[TrainingState] | None = None, until: int | None = None,
) -> tuple[npt.NDArray[np.float64], list[TrainingState]]:  # fmt: skip
    """Return the fitness (P,), the metric's mean over problems, and where the trainings stand."""
    total, ends = np.zeros(program.count), []
    for t, one in enumerate(learners):
        runs = one.train(
            program, weights, config, _own(streams, t, len(learners)),
            state=None if states is None else states[t], until=until,
        )  # fmt: skip
        total += runs.fitness(one.data.metric)
        ends.append(runs.state)
    return total / len(learners), ends
