"""Meta-testing and transfer: frozen losses train fresh models on any data set, over paired seeds.

Seed k gives every loss the same first model and the same batches, so differences are paired; the
first contestant is what the others are measured against. Intervals are 95 % t-intervals over
training seeds on one split: they cover training, not the split nor the search for the loss.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from heliostat.contract import Dataset, Model, Name, PartRef, stream
from heliostat_methods.evomal.analysis.curves import Loss
from heliostat_methods.evomal.comparison.paired_seeds import OverSeeds, PairedTest
from heliostat_methods.evomal.comparison.records import plain
from heliostat_methods.evomal.learners.kernels.objectives import metric_code
from heliostat_methods.evomal.learners.learner import BaseLearner, learner, train_frozen
from heliostat_methods.evomal.learners.loading import split_problem
from heliostat_methods.evomal.learners.problem import ProblemData, Streams
from heliostat_methods.evomal.learners.training import TrainedRuns, TrainingConfig
from heliostat_search.statistics import holm

Array = np.ndarray[Any, Any]
Contestants = Sequence[tuple[str, Loss]]
_TOGETHER = 5  # replicas trained in one call: often enough for a sign of life


@dataclass(frozen=True)
class MetaTestConfig:
    """``seeds`` trainings of each loss; ``seed`` is the root of split, first models and batches.

    With several ``rate_factors`` each loss trains at the learning rate, among these multiples of
    the configured one, that is best for it on validation data under ``rate_seeds`` other seeds.
    """

    training: TrainingConfig
    seeds: int = 10
    seed: int = 0
    rate_factors: tuple[float, ...] = (1.0,)
    rate_seeds: int = 3


def problem_data(
    dataset: Dataset,
    model: Model,
    ref: PartRef,
    seed: int,
    fractions: tuple[float, float, float] = (0.6, 0.2, 0.2),
) -> ProblemData:
    """Return the data set split as a search with this root seed and these fractions splits it.

    ``ref`` is the name under which ``model`` can be built again.
    """
    return split_problem(dataset, model, ref, stream(seed, "split", dataset.name), fractions)


def meta_test(
    contestants: Contestants,
    data: ProblemData,
    config: MetaTestConfig,
    progress: Callable[[str], None] = lambda text: None,
) -> dict[str, Any]:
    """Return the test metric of every loss and its paired difference from the first one.

    ``losses``: {label, learning_rate, values, diverged, mean, low, high, against_first}; the last
    is {n, difference, t_p, wilcoxon_p, holm_p}, None for the first and below two finite pairs.
    ``holm_p`` is the t-test's p, adjusted for the number of losses compared with the first.
    """
    valid, test = learner(data, data.valid), learner(data, data.test)
    rows: list[dict[str, Any]] = []
    for label, loss in contestants:
        factor = _best_factor(label, loss, valid, config, progress)
        training = _at_rate(config.training, factor)
        values = _metric(label, loss, test, training, config.seed, range(config.seeds), progress)
        rows.append(
            {"label": label, "learning_rate": training.learning_rate, **plain(OverSeeds.of(values))}
        )
    rows[0]["against_first"] = None
    for row in rows[1:]:
        row["against_first"] = plain(PairedTest.between(row["values"], rows[0]["values"]))
    compared = [row["against_first"] for row in rows if row["against_first"] is not None]
    for account, p in zip(compared, holm([c["t_p"] for c in compared]), strict=True):
        account["holm_p"] = p
    return {
        "dataset": data.name,
        "model": data.model.plain(),
        "metric": data.metric,
        "steps": config.training.steps,
        "seeds": config.seeds,
        "seed": config.seed,
        "losses": rows,
    }


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


def _best_factor(
    label: str,
    loss: Loss,
    valid: BaseLearner,
    config: MetaTestConfig,
    progress: Callable[[str], None],
) -> float:
    """Return the factor with the least mean validation metric; ties go to the one nearest 1."""
    if len(config.rate_factors) == 1:
        return config.rate_factors[0]
    # Seeds of their own, so that the comparison's seeds do not also choose the rate.
    seeds = range(config.seeds, config.seeds + config.rate_seeds)
    scored = []
    for factor in config.rate_factors:
        training = _at_rate(config.training, factor)
        tried = f"{label}, rate x {factor:g}"
        values = _metric(tried, loss, valid, training, config.seed, seeds, progress)
        scored.append((float(np.mean(values)), abs(float(np.log(factor))), factor))
    return min(scored)[2]


def _metric(
    label: str,
    loss: Loss,
    problem: BaseLearner,
    training: TrainingConfig,
    seed: int,
    replicas: range,
    progress: Callable[[str], None],
) -> Array:
    """Return the metric of each replica, +inf where the training diverged."""
    code, values = metric_code(problem.data.metric), []
    for begin in range(0, len(replicas), _TOGETHER):
        some = replicas[begin : begin + _TOGETHER]
        values.append(trained(loss, problem, training, seed, some).metrics[:, code])
        progress(f"{label}: {begin + len(some)} of {len(replicas)} trainings")
    return np.concatenate(values)


def _at_rate(training: TrainingConfig, factor: float) -> TrainingConfig:
    return replace(training, learning_rate=training.learning_rate * factor)
