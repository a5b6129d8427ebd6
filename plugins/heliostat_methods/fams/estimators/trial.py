"""An estimator with given parameters, trained on one part and judged on another; the best of many.

Plain functions of arrays: a search calls `trial` inside its tasks, `tuned` is the loop in one
process.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import clone

from heliostat.errors import HeliostatError, did_you_mean
from heliostat_methods.fams.estimators.classifier import SubgroupClassifier
from heliostat_methods.fams.groups.arguments import ArgumentError, labels

GroupMetric = Callable[..., float]
"""(y_true, y_score, *, sensitive_features) to a number."""


@dataclass(frozen=True, eq=False)
class Part:
    """Rows of one part of the data: `inputs`, `labels` 0 or 1, their groups and weights."""

    inputs: ArrayLike
    labels: ArrayLike
    sensitive_features: Any
    weights: ArrayLike | None = None


@dataclass(frozen=True)
class Trial:
    """What came of one set of parameters: metrics by name, or why it could not be had."""

    parameters: Mapping[str, Any]
    metrics: Mapping[str, float]
    refused: str = ""


def without_groups(metric: Callable[..., float]) -> GroupMetric:
    """Return a metric of (y_true, y_score) as one that is told the groups and ignores them."""

    def of_scores(y_true: Any, y_score: Any, *, sensitive_features: Any) -> float:
        return float(metric(y_true, y_score))

    return of_scores


def trial(
    estimator: SubgroupClassifier,
    parameters: Mapping[str, Any],
    training: Part,
    judged: Part,
    metrics: Mapping[str, GroupMetric],
) -> Trial:
    """Fit a copy of an estimator with `parameters` and return its metrics on the judged part.

    What cannot be fitted, scored or measured is a trial that says why.
    """
    try:
        fresh = clone(estimator).set_params(**parameters)
        fresh.fit(
            training.inputs,
            training.labels,
            sensitive_features=training.sensitive_features,
            sample_weight=training.weights,
        )
        scores = second_class(fresh, judged)
        return Trial(dict(parameters), measured(judged, scores, metrics))
    except (HeliostatError, ValueError) as error:
        return Trial(dict(parameters), {}, str(error))


def second_class(fitted: SubgroupClassifier, part: Part) -> NDArray[np.float64]:
    """Return the probability of label 1 for each row, with its group where the estimator needs it.

    Also where training saw one label alone.
    """
    if fitted.needs_groups:
        by_group: Any = fitted
        chances = by_group.subgroup_predict_proba(
            part.inputs, sensitive_features=part.sensitive_features
        )
    else:
        chances = fitted.predict_proba(part.inputs)
    if len(fitted.classes_) == 1:
        return np.full(len(chances), float(fitted.classes_[0]))
    scores: NDArray[np.float64] = np.asarray(chances)[:, 1]
    return scores


def measured(
    part: Part, scores: NDArray[np.float64], metrics: Mapping[str, GroupMetric]
) -> dict[str, float]:
    """Return all metrics of scores, by name."""
    answers = labels("labels", part.labels, len(scores))
    return {
        name: float(metric(answers, scores, sensitive_features=part.sensitive_features))
        for name, metric in metrics.items()
    }


def tuned(
    estimator: SubgroupClassifier,
    candidates: Iterable[Mapping[str, Any]],
    training: Part,
    validation: Part,
    metrics: Mapping[str, GroupMetric],
    criterion: str = "nll",
    direction: Literal["min", "max"] = "min",
) -> tuple[Trial, list[Trial]]:
    """Return the trial that is best by `criterion` on the validation part, and all of them.

    The first of equals wins. Raises ArgumentError for an unknown criterion, and where every trial
    was refused, with what the first said.
    """
    if criterion not in metrics:
        hint = did_you_mean(criterion, metrics)
        raise ArgumentError("criterion", criterion, "the name of a metric", hint)
    if direction not in ("min", "max"):
        raise ArgumentError("direction", direction, "min or max")
    trials = [trial(estimator, one, training, validation, metrics) for one in candidates]
    told = [one for one in trials if np.isfinite(one.metrics.get(criterion, np.nan))]
    if not told:
        first = trials[0].refused or f"{criterion} is not finite" if trials else "there is none"
        raise ArgumentError("candidates", len(trials), f"one that can be used; first: {first}")
    sign = 1 if direction == "min" else -1
    return min(told, key=lambda one: sign * one.metrics[criterion]), trials
