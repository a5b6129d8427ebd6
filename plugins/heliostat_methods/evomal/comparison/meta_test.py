"""Meta-testing and transfer: frozen losses train fresh models on any data set, over paired seeds.

The protocol of a run's comparison (``protocol``) without a run: seed k gives every loss the same
first model and the same batches, so differences are paired; the first contestant is what the others
are measured against. Intervals are over training seeds, with several splits over splits: they never
cover the search for the loss.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from heliostat.contract import Dataset, Model, Name, PartRef, stream
from heliostat_methods.evomal.analysis.curves import Loss
from heliostat_methods.evomal.comparison.contestants import Contestant
from heliostat_methods.evomal.comparison.outcome import Comparison
from heliostat_methods.evomal.comparison.protocol import Curves, Plan, Wanted, compared
from heliostat_methods.evomal.learners.learner import BaseLearner, learner, train_frozen
from heliostat_methods.evomal.learners.loading import Loaded, divided, split_streams
from heliostat_methods.evomal.learners.problem import Streams
from heliostat_methods.evomal.learners.training import TrainedRuns, TrainingConfig
from heliostat_methods.evomal.tasks import curves_of
from heliostat_search.trainings.measures import OF_TASK, Measure
from heliostat_search.trainings.rates import checkpoints

Array = np.ndarray[Any, Any]
Contestants = Sequence[tuple[str, Loss]]
_TOGETHER = 5  # replicas trained in one call: often enough for a sign of life


@dataclass(frozen=True)
class MetaTestConfig:
    """``seeds`` trainings of each loss; ``seed`` is the root of split, first models and batches.

    With several ``rate_factors`` each loss trains at the learning rates, among these multiples of
    the configured one and up to ``rate_growths`` beyond each edge, that are best for it on
    validation data under ``rate_seeds`` other seeds.
    """

    training: TrainingConfig
    seeds: int = 10
    seed: int = 0
    rate_factors: tuple[float, ...] = (1.0,)
    rate_seeds: int = 3
    rate_growths: int = 6


def problem_data(
    dataset: Dataset,
    model: Model,
    ref: PartRef,
    seed: int,
    fractions: tuple[float, float, float] = (0.6, 0.2, 0.2),
    metric: Measure | None = None,
    splits: int = 1,
) -> Loaded:
    """Return the data set split as a run with this root seed and these fractions splits it.

    ``ref`` is the name under which ``model`` can be built again; ``metric`` None is the usual one.
    """

    def streams(*name: Name) -> np.random.Generator:
        return stream(seed, *name)

    rngs = split_streams(streams, dataset, splits)
    return divided(dataset, model, ref, rngs, fractions, metric)


def meta_test(
    contestants: Contestants,
    loaded: Loaded,
    config: MetaTestConfig,
    progress: Callable[[str], None] = lambda text: None,
) -> Comparison:
    """Return the comparison of losses, given as (label, loss), with the first of them.

    All of it is done on each split that was loaded.
    """
    problems = (loaded.data, *loaded.splits)
    valid = [learner(data, data.valid) for data in problems]
    test = [learner(data, data.test, measures=OF_TASK[data.task]) for data in problems]
    steps = checkpoints(config.training.steps)

    def train(wanted: Sequence[Wanted]) -> list[Curves]:
        return [curves(one) for one in wanted]

    def curves(one: Wanted) -> Curves:
        label, loss = contestants[one.loss]
        also = test[one.split] if one.measured_on == "both" else None
        rate = config.training.learning_rate * one.factor
        training, found = replace(config.training, learning_rate=rate), []
        for begin in range(0, len(one.seeds), _TOGETHER):
            streams = [replica_streams(config.seed, k)
                       for k in one.seeds[begin : begin + _TOGETHER]]  # fmt: skip
            runs = train_frozen(valid[one.split], loss, training, streams, steps, also)
            found.append(curves_of(runs, loaded.data))
            done = begin + len(streams)
            of = f"split {one.split + 1}, " if loaded.splits else ""
            progress(f"{label}, {of}rate x {one.factor:g}: {done} of {len(one.seeds)} trainings")
        return Curves(np.concatenate([c.valid for c in found]),
                      np.concatenate([c.test for c in found]))  # fmt: skip

    plan = Plan(config.training, config.seeds, config.rate_factors, config.rate_growths,
                config.rate_seeds)  # fmt: skip
    comparison = compared(
        plan, problems,
        [Contestant("reference" if i else "standard", label, {})
         for i, (label, _) in enumerate(contestants)],
        train,
    )  # fmt: skip
    return replace(comparison, deviation=loaded.labels.deviation)


def trained(
    loss: Loss, problem: BaseLearner, training: TrainingConfig, seed: int, replicas: Sequence[int]
) -> TrainedRuns:
    """Return fresh models trained with a frozen loss, one for each replica of a root seed."""
    streams = [replica_streams(seed, k) for k in replicas]
    return train_frozen(problem, loss, training, streams)


def replica_streams(seed: int, replica: int) -> Streams:
    """Return the streams of one replica: the same first model and batches for every loss."""

    def streams(*name: Name) -> np.random.Generator:
        return stream(seed, "meta test", replica, *name)

    return streams
