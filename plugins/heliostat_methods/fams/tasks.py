"""What runs on a worker: an estimator trained and judged; what a bilevel training left judged."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from heliostat import HeliostatError, PartRef, Shared, TaskContext, stored, task
from heliostat_methods.fams.estimators.by_name import named
from heliostat_methods.fams.estimators.losses import two_classes
from heliostat_methods.fams.estimators.trial import Part, second_class
from heliostat_methods.fams.training.measures import Fitted, curves, measured
from heliostat_methods.fams.training.problem import Problem, Rows
from heliostat_methods.fams.training.two_levels import (
    Model,
    Prior,
    Training,
    prepared,
    split_rows,
)


@stored("fams.judging")
@dataclass(frozen=True)
class Judging:
    """How scores are judged: bins, permutations of the test, and whether curves are kept."""

    n_bins: int
    permutations: int
    part: Literal["valid", "test"]
    curves: bool = False


@stored("fams.fit")
@dataclass(frozen=True)
class Fit:
    """An estimator to train: its name, its parameters, the split, the seed of its own."""

    problem: Shared[Problem]
    judging: Judging
    method: str
    parameters: Mapping[str, Any]
    split: int
    seed: int
    loss: PartRef | None = None


@task("fams.fit")
def fit(item: Fit, ctx: TaskContext) -> Fitted:
    """Train an estimator and judge it on validation or test rows; what cannot be is told."""
    final = item.judging.part == "test"
    train, valid, test = split_rows(ctx.shared(item.problem), item.split, with_validation=final)
    chosen = named(item.method)
    extra: dict[str, Any] = {"seed": item.seed}
    estimator = chosen.load()
    known = estimator._get_param_names()
    if "device" in known:
        extra["device"] = "cuda" if ctx.device != "cpu" else "cpu"
    if item.loss is not None and "loss" in known:
        extra["loss"] = two_classes(ctx.part("loss", item.loss))
    usable = {name: value for name, value in extra.items() if name in known}
    judged = test if final else valid
    try:
        made = chosen.create(**{**usable, **dict(item.parameters)})
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of convergence: the scores show what it came to
            made.fit(train.inputs, train.labels, sensitive_features=train.groups)
            scores = second_class(made, Part(judged.inputs, judged.labels, judged.groups))
    except (HeliostatError, ValueError) as error:
        return Fitted({}, str(error))
    return _judged(judged, scores, item.judging, item.split, _passes(made, len(train.labels)))


@stored("fams.score")
@dataclass(frozen=True)
class Score:
    """What a bilevel training left, to be judged: the prior and the training that it came of."""

    problem: Shared[Problem]
    judging: Judging
    training: Shared[Training]
    prior: Shared[Prior]


@task("fams.score")
def score(item: Score, ctx: TaskContext) -> Fitted:
    """Judge the common distribution on validation or test rows; no subgroup is told it."""
    training, problem = ctx.shared(item.training), ctx.shared(item.problem)
    ready = prepared(problem, training)
    _, valid, test = split_rows(problem, training.split, with_validation=training.with_validation)
    judged = test if item.judging.part == "test" else valid
    scores = Model.of(ctx.shared(item.prior), ready.scaling, training).scores(judged.inputs)
    method = training.method
    passes = method.rounds * method.inner * method.batch * len(ready.present)
    return _judged(judged, scores, item.judging, training.split, passes)


def _judged(
    rows: Rows, scores: NDArray[np.float64], judging: Judging, seed: int, passes: float
) -> Fitted:
    try:
        found = measured(rows, scores, judging.n_bins, judging.permutations, seed)
    except (HeliostatError, ValueError) as error:  # so few rows that a metric has no value
        return Fitted({}, f"its scores could not be judged: {error}", passes / 1000)
    drawn = curves(rows, scores, judging.n_bins) if judging.curves else ()
    return Fitted(found, passes=passes / 1000, curves=drawn)


def _passes(fitted: Any, rows: int) -> float:
    """Return how many rows went through a network; 0 for what has none."""
    epochs = getattr(fitted, "epochs", 0)
    return float(epochs * rows)
