"""What runs on a worker: an estimator trained and judged; what a bilevel training left judged."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from heliostat import HeliostatError, PartRef, Shared, TaskContext, stored, task
from heliostat_methods.fams.estimators import trial
from heliostat_methods.fams.estimators.by_name import NamedEstimator, named
from heliostat_methods.fams.estimators.losses import two_classes
from heliostat_methods.fams.training.measures import Fitted, curves, measured
from heliostat_methods.fams.training.prepared import Training, model, prepared
from heliostat_methods.fams.training.prior import Prior
from heliostat_methods.fams.training.problem import (
    Part,
    Problem,
    Rows,
    judged_rows,
    training_rows,
)


@stored("fams.judging")
@dataclass(frozen=True)
class Judging:
    """How scores are judged: bins, permutations of the test, and whether curves are kept."""

    n_bins: int
    permutations: int
    part: Part
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
    problem, part = ctx.shared(item.problem), item.judging.part
    train, judged = (rows(problem, item.split, part) for rows in (training_rows, judged_rows))
    chosen = named(item.method)
    try:
        made = chosen.create(**{**_of_run(chosen, item, ctx), **item.parameters})
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of convergence: the scores show what it came to
            made.fit(train.inputs, train.labels, sensitive_features=train.groups)
            scores = trial.second_class(
                made, trial.Part(judged.inputs, judged.labels, judged.groups)
            )
    except (HeliostatError, ValueError) as error:
        return Fitted({}, str(error))
    passes = _passes(made.get_params(), len(train.labels))
    return _judged(judged, scores, item.judging, item.split, passes)


def _of_run(chosen: NamedEstimator, item: Fit, ctx: TaskContext) -> dict[str, Any]:
    """Return the parameters that a run decides, of those that the estimator has."""
    known = chosen.load()._get_param_names()
    decided: dict[str, Any] = {
        "seed": item.seed, "device": "cpu" if ctx.device == "cpu" else "cuda",
    }  # fmt: skip
    if item.loss is not None:
        decided["loss"] = two_classes(ctx.part("loss", item.loss))
    return {name: value for name, value in decided.items() if name in known}


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
    judged = judged_rows(problem, training.split, training.part)
    scaling = prepared(problem, training).scaling
    left = model(ctx.shared(item.prior), scaling, training, problem.classes)
    return _judged(judged, left.scores(judged.inputs), item.judging, training.split, 0.0)


def _judged(
    rows: Rows, scores: NDArray[np.float64], judging: Judging, seed: int, passes: float
) -> Fitted:
    found, missing = measured(rows, scores, judging.n_bins, judging.permutations, seed)
    if not found:
        why = next(iter(missing.values()))
        return Fitted({}, f"its scores could not be judged: {why}", passes)
    drawn = curves(rows, scores, judging.n_bins) if judging.curves else ()
    return Fitted(found, passes=passes, curves=drawn, missing=missing)


def _passes(parameters: Mapping[str, Any], rows: int) -> float:
    """Return how many thousand rows went through networks that were drawn; 0 without a network."""
    epochs = parameters.get("epochs", 0) + parameters.get("reference_epochs", 0)
    return float(epochs * parameters.get("n_mc", 1) * rows) / 1000
