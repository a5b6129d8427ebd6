"""The base model on one data set behind one interface: closed form where it applies, else autograd.

A dense ReLU network with one inner step takes the compiled path (`unrolled`, `training`), any
other torch model the generic one (`torch_unrolled`, `torch_training`). Both draw the same numbers
from the same streams, so they agree to rounding wherever both apply.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, Protocol

import numpy.typing as npt

from heliostat_methods.evomal.learners import rejection, training, unrolled
from heliostat_methods.evomal.learners.kernels.objectives import METRICS
from heliostat_methods.evomal.learners.loading import Parts, installed_part
from heliostat_methods.evomal.learners.problem import LearningProblem, ProblemData, Streams
from heliostat_methods.evomal.learners.training import TrainedRuns, TrainingConfig, TrainingState
from heliostat_methods.evomal.learners.unrolled import Tuning, UnrolledConfig
from heliostat_methods.evomal.losses.expression import LossExpression
from heliostat_methods.evomal.population.program import LossProgram, stack_weights
from heliostat_search.trainings.measures import Measure

if TYPE_CHECKING:
    from heliostat_methods.evomal.learners.generic.torch_problem import TorchProblem

Array = npt.NDArray[Any]


class BaseLearner(Protocol):
    """What a search asks of a base model.

    P candidates of at most N nodes with weights (P, N), R replicas of one loss, C outputs. Metrics
    and curves are those of ``TrainedRuns``: (P or R, M) and (P or R, curve steps, M). All raise
    ``ValueError`` naming the argument for shapes that do not fit. ``data`` are the data set and the
    model, ``parts`` builds the model when it is first needed. ``also`` is a learner of the same
    data and model that measures on other rows, on which the curve is measured too.
    """

    data: ProblemData
    parts: Parts

    def on(self, device: str) -> BaseLearner:
        """Return this learner with its torch networks on that device, moved there once."""
        ...

    def meta_stepper(
        self, program: LossProgram, tuning: Tuning, config: UnrolledConfig, streams: Streams
    ) -> Callable[[int], Array]:
        """Return what takes meta step k on ``tuning`` and gives the objective after it, (P,).

        Each call draws the next batches and the next network; NaN where a candidate diverged.
        """
        ...

    def fresh_predictions(self, samples: int, streams: Streams) -> tuple[Array, Array]:
        """Return a fresh model's outputs and the labels, both (C, n), on training samples.

        n is ``samples``, or all rows where there are fewer.
        """
        ...

    def train(
        self, program: LossProgram, weights: Array, config: TrainingConfig, streams: Streams,
        state: TrainingState | None = None, until: int | None = None,
    ) -> TrainedRuns:  # fmt: skip
        """Train one model with every candidate, from the same parameters over the same batches.

        With ``state`` it goes on from there, with ``until`` it stops at that step.
        """
        ...

    def train_replicas(
        self, program: LossProgram, weights: Array, config: TrainingConfig,
        replicas: Sequence[Streams], curve_steps: Sequence[int] = (),
        also: BaseLearner | None = None,
    ) -> TrainedRuns:  # fmt: skip
        """Train one tree under several seeds: replica r draws from ``replicas[r]`` alone.

        Metrics are also measured after each of ``curve_steps``. Raises ``ValueError`` for none.
        """
        ...

    def tune_module(self, loss: Any, config: UnrolledConfig, streams: Streams) -> Array:
        """Tune a torch loss's parameters in place; returns the objective, (meta_steps,).

        ``loss`` is a module that maps outputs (B, C) and targets (B,) to a scalar.
        """
        ...

    def train_module(
        self, loss: Any, config: TrainingConfig, replicas: Sequence[Streams],
        curve_steps: Sequence[int] = (), also: BaseLearner | None = None,
    ) -> TrainedRuns:  # fmt: skip
        """Train any torch loss under several seeds, as ``train_replicas`` does a tree.

        ``loss`` maps outputs (B, C) and targets (B,) to a scalar.
        """
        ...

    def predictions(self, state: TrainingState) -> tuple[Array, Array]:
        """Return the outputs of trained models and the labels on the measured rows.

        (P or R, C, n) and (C, n).
        """
        ...


@dataclass
class TorchLearner:
    """Any torch model, by automatic differentiation; ``measured`` are rows x (n, ...), y (n,).

    ``measures`` are taken on those rows, beside the kernels' metrics.
    """

    data: ProblemData
    measured: tuple[Array, Array]
    parts: Parts
    device: str = "cpu"
    measures: tuple[Measure, ...] = ()
    _elsewhere: dict[str, TorchLearner] = field(default_factory=dict, compare=False, repr=False)

    def on(self, device: str) -> TorchLearner:
        """Return this learner on that device, moved there once."""
        if device == self.device:
            return self
        if device not in self._elsewhere:
            self._elsewhere[device] = replace(self, device=device, _elsewhere={})
        return self._elsewhere[device]

    @cached_property
    def problem(self) -> TorchProblem:
        """Return the data as tensors, with the model's recipe."""
        from heliostat_methods.evomal.learners.generic.torch_problem import TorchProblem

        return TorchProblem.from_rows(
            *self.data.train, *self.measured, task=self.data.task,
            model=self.parts("model", self.data.model),
            input_shape=self.data.input_shape, classes=self.data.classes, device=self.device,
            measures=self.measures,
        )  # fmt: skip

    def meta_stepper(
        self, program: LossProgram, tuning: Tuning, config: UnrolledConfig, streams: Streams
    ) -> Callable[[int], Array]:
        """Return what takes one meta step; see `torch_unrolled`."""
        from heliostat_methods.evomal.learners.generic import torch_unrolled

        return torch_unrolled.meta_stepper(program, tuning, self.problem, config, streams)

    def fresh_predictions(self, samples: int, streams: Streams) -> tuple[Array, Array]:
        """Return outputs of a fresh model in training mode."""
        from heliostat_methods.evomal.learners.generic import torch_training

        return torch_training.fresh_predictions(self.problem, samples, streams)

    def train(
        self, program: LossProgram, weights: Array, config: TrainingConfig, streams: Streams,
        state: TrainingState | None = None, until: int | None = None,
    ) -> TrainedRuns:  # fmt: skip
        """Train one model with every candidate."""
        from heliostat_methods.evomal.learners.generic import torch_training

        return torch_training.train(
            program, weights, self.problem, config, streams, state=state, until=until
        )

    def train_replicas(
        self, program: LossProgram, weights: Array, config: TrainingConfig,
        replicas: Sequence[Streams], curve_steps: Sequence[int] = (),
        also: BaseLearner | None = None,
    ) -> TrainedRuns:  # fmt: skip
        """Train one tree under several seeds."""
        from heliostat_methods.evomal.learners.generic import torch_training

        return torch_training.train_replicas(
            program, weights, self.problem, config, replicas, curve_steps, _torch_problem(also)
        )

    def tune_module(self, loss: Any, config: UnrolledConfig, streams: Streams) -> Array:
        """Tune a torch loss's parameters in place."""
        from heliostat_methods.evomal.learners.generic import torch_unrolled

        history: Array = torch_unrolled.tune_module(loss, self.problem, config, streams)
        return history

    def train_module(
        self, loss: Any, config: TrainingConfig, replicas: Sequence[Streams],
        curve_steps: Sequence[int] = (), also: BaseLearner | None = None,
    ) -> TrainedRuns:  # fmt: skip
        """Train any torch loss under several seeds."""
        from heliostat_methods.evomal.learners.generic import torch_training

        return torch_training.train_module(
            loss, self.problem, config, replicas, curve_steps, _torch_problem(also)
        )

    def predictions(self, state: TrainingState) -> tuple[Array, Array]:
        """Return outputs of trained networks, and the labels."""
        from heliostat_methods.evomal.learners.generic import torch_training

        outputs = torch_training.predictions(state.theta, self.problem)
        return outputs, self.problem.labels(self.problem.y_valid)


@dataclass
class DenseLearner:
    """A dense ReLU network, by the compiled closed form; losses that are no trees use torch.

    ``measured`` are rows x (n, inputs), y (n,), of which ``measures`` are taken beside the kernels'
    metrics. The closed form knows the CPU alone.
    """

    data: ProblemData
    measured: tuple[Array, Array]
    parts: Parts
    torch: TorchLearner | None = None
    measures: tuple[Measure, ...] = ()

    def on(self, device: str) -> DenseLearner:
        """Return this learner, what it does through torch on that device."""
        torch = self._torch.on(device)
        return self if torch is self._torch else replace(self, torch=torch)

    @cached_property
    def problem(self) -> LearningProblem:
        """Return the data as the kernels take them."""
        return LearningProblem.from_rows(
            *self.data.train, *self.measured, task=self.data.task,
            hidden=self.data.hidden or (), classes=self.data.classes, measures=self.measures,
        )  # fmt: skip

    @cached_property
    def _torch(self) -> TorchLearner:
        return self.torch or TorchLearner(
            self.data, self.measured, self.parts, measures=self.measures
        )

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
        also: BaseLearner | None = None,
    ) -> TrainedRuns:  # fmt: skip
        """Train one tree under several seeds; with augmented images through torch."""
        # By type, so that closed-form trainings do not load torch.
        if type(config) is not TrainingConfig:
            return self._torch.train_replicas(
                program, weights, config, replicas, curve_steps, _through_torch(also)
            )
        assert also is None or isinstance(also, DenseLearner)
        return training.train_replicas(
            program, weights, self.problem, config, replicas, curve_steps,
            None if also is None else also.problem,
        )  # fmt: skip

    def tune_module(self, loss: Any, config: UnrolledConfig, streams: Streams) -> Array:
        """Tune a torch loss's parameters in place."""
        return self._torch.tune_module(loss, config, streams)

    def train_module(
        self, loss: Any, config: TrainingConfig, replicas: Sequence[Streams],
        curve_steps: Sequence[int] = (), also: BaseLearner | None = None,
    ) -> TrainedRuns:  # fmt: skip
        """Train any torch loss under several seeds."""
        return self._torch.train_module(loss, config, replicas, curve_steps, _through_torch(also))

    def predictions(self, state: TrainingState) -> tuple[Array, Array]:
        """Return outputs of trained networks, and the labels."""
        return training.predictions(state.theta, self.problem), self.problem.y_valid


def _through_torch(also: BaseLearner | None) -> TorchLearner | None:
    return also._torch if isinstance(also, DenseLearner) else also  # type: ignore[return-value]


def _torch_problem(also: BaseLearner | None) -> TorchProblem | None:
    if also is None:
        return None
    assert isinstance(also, TorchLearner)
    return also.problem


def learner(
    data: ProblemData,
    measured: tuple[Array, Array],
    parts: Parts = installed_part,
    measures: Sequence[Measure] | None = None,
) -> BaseLearner:
    """Return the learner that fits the model, measuring on `measured` rows x (n, ...), y (n,).

    `parts` builds the model when it is first needed: a task's ``ctx.part``. Without `measures` the
    data's own metric is taken, and the kernels'.
    """
    wanted = (data.metric,) if measures is None else measures
    further = tuple(name for name in wanted if name not in METRICS)
    if data.hidden is None:
        return TorchLearner(data, measured, parts, measures=further)
    return DenseLearner(data, measured, parts, measures=further)


def train_frozen(
    problem: BaseLearner,
    loss: LossExpression | Callable[[Any, Any], Any],
    training: TrainingConfig,
    replicas: Sequence[Streams],
    curve_steps: Sequence[int] = (),
    also: BaseLearner | None = None,
) -> TrainedRuns:
    """Train fresh models with one loss, a tree or a torch callable: a model for each replica."""
    if not isinstance(loss, LossExpression):
        return problem.train_module(loss, training, replicas, curve_steps, also)
    program = LossProgram.from_expressions([loss])
    weights = stack_weights([loss])
    return problem.train_replicas(program, weights, training, replicas, curve_steps, also)
