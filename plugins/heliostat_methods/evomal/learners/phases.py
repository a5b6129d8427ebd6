"""What a block of candidates goes through before training: what drops some, and local search.

A ``Phase`` looks at those that are still in and says of each that it drops why. Which phases a
search has, and in which order, ``ScoreSettings`` say:

=================== ============================ =================================================
phase               drops                        what that can lose
=================== ============================ =================================================
``LabelFree``       gradients without the label  a loss that beats an untrained model by shrinking
``Filter``, early   what fails before tuning     a loss that only tuning repairs
``LocalSearch``     weights that diverge         nothing
``Filter``          what fails after tuning      nothing, by the protocol of ``rejection``
=================== ============================ =================================================
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol

import numpy as np
import numpy.typing as npt

from heliostat import stored
from heliostat_methods.evomal.learners.learner import BaseLearner
from heliostat_methods.evomal.learners.problem import Streams, under
from heliostat_methods.evomal.learners.rejection import RejectionConfig, improvements
from heliostat_methods.evomal.learners.training import TrainingConfig, TrainingState
from heliostat_methods.evomal.learners.unrolled import TunedLosses, Tuning, UnrolledConfig
from heliostat_methods.evomal.losses.expression import LossExpression
from heliostat_methods.evomal.population.equivalence import label_free
from heliostat_methods.evomal.population.program import LossProgram

Array = npt.NDArray[Any]
Rows = npt.NDArray[np.intp]


@stored("evomal.score_settings")
@dataclass(frozen=True)
class ScoreSettings:
    """How a candidate is scored."""

    primitives: str
    local_search: bool
    weight_noise: float
    skip_label_free: bool
    reject: Literal["exact", "early", "off"]
    tuning: UnrolledConfig
    rejection: RejectionConfig
    training: TrainingConfig

    def phases(self) -> list[Phase]:
        """Return what comes before training, in order."""
        found: list[Phase] = []
        if self.skip_label_free:
            found.append(LabelFree())
        if self.local_search:
            if self.reject == "early":
                found.append(Filter(self.rejection, "rejected_early"))
            found.append(LocalSearch(self.tuning))
        if self.reject != "off":
            found.append(Filter(self.rejection, "rejected"))
        return found


class Candidates:
    """A block on its way: ``weights`` (P, N), a ``status`` each, and the candidate steps spent.

    Those that are still in are called accepted; what no gradient can reach never is.
    """

    def __init__(self, expressions: Sequence[LossExpression], weights: Array) -> None:
        self.expressions = list(expressions)
        self.program = LossProgram.from_expressions(self.expressions)
        self.weights = weights
        self.status = np.where(self.program.trainable, "accepted", "untrainable").astype("<U16")
        self.tuning_steps = self.rejection_steps = 0

    def left(self) -> Rows:
        """Return the rows that are still in."""
        return np.flatnonzero(self.status == "accepted")

    def part(self, rows: Rows) -> LossProgram:
        """Return the program of some rows, as wide as that of all."""
        return LossProgram.from_expressions(
            [self.expressions[i] for i in rows], self.program.capacity
        )


class Phase(Protocol):
    """Something that every candidate passes through, or does not pass."""

    def __call__(
        self, block: Candidates, rows: Rows, learners: Sequence[BaseLearner], streams: Streams
    ) -> None:
        """Tune or drop some of ``rows``, which are those that are left, at least one."""
        ...


@dataclass(frozen=True)
class LabelFree:
    """Drops losses whose gradient never depends on the label."""

    def __call__(
        self, block: Candidates, rows: Rows, learners: Sequence[BaseLearner], streams: Streams
    ) -> None:
        """Drop them; no step is spent."""
        idle = np.array(label_free([block.expressions[i] for i in rows]))
        block.status[rows[idle]] = "label_free"


@dataclass(frozen=True)
class Filter:
    """The rejection protocol; ``status`` is what those are called that do not pass."""

    config: RejectionConfig
    status: str

    def __call__(
        self, block: Candidates, rows: Rows, learners: Sequence[BaseLearner], streams: Streams
    ) -> None:
        """Drop what does not pass on every problem."""
        passed = accept(
            learners, block.part(rows), block.weights[rows], self.config,
            under(streams, "rejection"),
        )  # fmt: skip
        block.rejection_steps += len(rows) * self.config.steps * len(learners)
        block.status[rows[~passed]] = self.status


@dataclass(frozen=True)
class LocalSearch:
    """Unrolled differentiation of the weights."""

    config: UnrolledConfig

    def __call__(
        self, block: Candidates, rows: Rows, learners: Sequence[BaseLearner], streams: Streams
    ) -> None:
        """Tune the weights; drop what diverges."""
        tuned = tune(
            learners, block.part(rows), block.weights[rows], self.config, under(streams, "tuning")
        )
        block.tuning_steps += len(rows) * self.config.meta_steps
        block.weights[rows] = tuned.weights
        block.status[rows[~np.isfinite(tuned.weights).all(axis=1)]] = "diverged"


def tune(
    learners: Sequence[BaseLearner], program: LossProgram, weights: Array,
    config: UnrolledConfig, streams: Streams,
) -> TunedLosses:  # fmt: skip
    """Tune a block's weights on one problem, or on several in turn: step k on problem k mod T.

    Weights are (P, N), the history is (meta_steps, P). Raises ``ValueError`` for weights of another
    shape.

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
    return streams if of == 1 else under(streams, "problem", problem)


def accept(
    learners: Sequence[BaseLearner], program: LossProgram, weights: Array,
    config: RejectionConfig, streams: Streams,
) -> npt.NDArray[np.bool_]:  # fmt: skip
    """Return the mask (P,) of candidates that pass the rejection protocol on every problem.

    ``weights`` (P, N); problem t of several draws from ``streams("problem", t, ...)``.
    """
    passed = np.ones(program.count, np.bool_)
    for t, one in enumerate(learners):
        mine = _own(streams, t, len(learners))
        predictions, labels = one.fresh_predictions(config.samples, mine)
        passed &= improvements(
            program, weights, predictions, labels,
            classify=one.data.task == "classification", metric=one.data.rejection_metric,
            config=config,
        ) > 0  # fmt: skip
    return passed


def train(
    learners: Sequence[BaseLearner], program: LossProgram, weights: Array,
    config: TrainingConfig, streams: Streams,
    states: Sequence[TrainingState] | None = None, until: int | None = None,
) -> tuple[npt.NDArray[np.float64], list[TrainingState]]:  # fmt: skip
    """Return the fitness (P,), the metric's mean over problems, and where the trainings stand.

    ``weights`` (P, N). ``states``, one for each problem, are where trainings go on, ``until`` is
    the step to stop at; the fitness is +inf where a training diverged.
    """
    total, ends = np.zeros(program.count), []
    for t, one in enumerate(learners):
        runs = one.train(
            program, weights, config, _own(streams, t, len(learners)),
            state=None if states is None else states[t], until=until,
        )  # fmt: skip
        total += runs.fitness(one.data.metric)
        ends.append(runs.state)
    return total / len(learners), ends
