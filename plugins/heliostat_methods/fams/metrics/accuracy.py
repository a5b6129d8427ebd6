"""How accurate scores are, for all rows and for the subgroup that fares worst."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from heliostat_methods.fams.groups.arguments import between, labels, scores, weights, within
from heliostat_methods.fams.groups.coding import subgroups
from heliostat_methods.fams.metrics.binning import bin_edges, bin_numbers
from heliostat_methods.fams.metrics.wilson import wilson_interval

LEAST_CLIP = 1e-300


@dataclass(frozen=True)
class GroupAccuracy:
    """Part of a subgroup's rows whose class was predicted, with its Wilson interval."""

    group: str
    rows: int
    accuracy: float
    low: float
    high: float


def group_accuracies(
    y_true: ArrayLike,
    y_score: ArrayLike,
    *,
    sensitive_features: Any,
    threshold: float = 0.5,
    confidence: float = 0.95,
) -> tuple[GroupAccuracy, ...]:
    """Return the accuracy of each subgroup that has a row; a score above `threshold` predicts 1.

    Arguments as for `sufficiency_gap`. Raises ValueError naming argument and row.
    """
    confidence = between("confidence", confidence, 0, 1)
    threshold = within("threshold", threshold, 0, 1)
    y = labels("y_true", y_true)
    right = (scores("y_score", y_score, len(y)) > threshold) == (y == 1)
    groups = subgroups(sensitive_features, len(y))
    held = np.flatnonzero(groups.sizes)
    rows = groups.sizes[held].astype(np.float64)
    hits = np.bincount(groups.codes, right, len(groups))[held].astype(np.float64)
    low, high = wilson_interval(hits, rows, confidence)
    lines = zip(held, groups.sizes[held], hits / rows, low, high, strict=True)
    return tuple(
        GroupAccuracy(groups.names[code], int(count), *map(float, rest))
        for code, count, *rest in lines
    )


def worst_group_accuracy(
    y_true: ArrayLike, y_score: ArrayLike, *, sensitive_features: Any, threshold: float = 0.5
) -> float:
    """Return the least accuracy of a subgroup; of small ones it is low by chance.

    Arguments as for `group_accuracies`, which has the intervals.
    """
    found = group_accuracies(
        y_true, y_score, sensitive_features=sensitive_features, threshold=threshold
    )
    return min(one.accuracy for one in found)


def mean_group_accuracy(
    y_true: ArrayLike, y_score: ArrayLike, *, sensitive_features: Any, threshold: float = 0.5
) -> float:
    """Return the mean of the accuracies of subgroups, each counting the same."""
    found = group_accuracies(
        y_true, y_score, sensitive_features=sensitive_features, threshold=threshold
    )
    # sorted, so that names of groups do not change the sum's last digit
    return float(np.mean(sorted(one.accuracy for one in found)))


def expected_calibration_error(
    y_true: ArrayLike,
    y_score: ArrayLike,
    *,
    n_bins: int = 10,
    edges: ArrayLike | None = None,
    strategy: str = "uniform",
    sample_weight: ArrayLike | None = None,
) -> float:
    """Return the mean over rows of |rate - mean score| of their bin; like the gap biased upward.

    Arguments as for `sufficiency_gap`. Naeini, Cooper and Hauskrecht 2015.
    """
    y = labels("y_true", y_true)
    score = scores("y_score", y_score, len(y))
    weight = weights("sample_weight", sample_weight, len(y))
    bins = bin_numbers(score, bin_edges(score, n_bins, edges, strategy))
    # |rate - mean score| times the bin's weight is the sum of differences itself
    return float(np.abs(np.bincount(bins, weight * (y - score))).sum() / len(y))


def brier_score(
    y_true: ArrayLike, y_score: ArrayLike, *, sample_weight: ArrayLike | None = None
) -> float:
    """Return the mean of (y - score)^2, from 0 to 1 (Brier 1950)."""
    y = labels("y_true", y_true)
    losses = brier_losses(y, scores("y_score", y_score, len(y)))
    return float(np.mean(losses * weights("sample_weight", sample_weight, len(y))))


def negative_log_likelihood(
    y_true: ArrayLike,
    y_score: ArrayLike,
    *,
    clip: float = 1e-12,
    sample_weight: ArrayLike | None = None,
) -> float:
    """Return the mean of -log(score of the label that came), in nats.

    Scores are first moved into [clip, 1 - clip]: one that was certain and wrong costs
    -log(clip), 27.6 as it stands, instead of infinity. `clip` is from 1e-300 to 0.5.
    """
    clip = within("clip", clip, LEAST_CLIP, 0.5)
    y = labels("y_true", y_true)
    losses = log_losses(y, scores("y_score", y_score, len(y)), clip)
    return float(np.mean(losses * weights("sample_weight", sample_weight, len(y))))


def brier_losses(y: NDArray[np.float64], score: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return (y - score)^2 of each row."""
    squares: NDArray[np.float64] = (y - score) ** 2
    return squares


def log_losses(
    y: NDArray[np.float64], score: NDArray[np.float64], clip: float
) -> NDArray[np.float64]:
    """Return -log of the score that the label got, of each row, no score below `clip`."""
    # log1p keeps what 1 - score would round away where the score is small
    one = -np.log(np.clip(score, clip, 1 - clip))
    zero = -np.where(score >= 1, np.log(clip), np.log1p(-np.minimum(score, 1 - 2**-53)))
    none_below = np.clip(zero, -np.log1p(-clip), -np.log(clip))
    return np.where(y == 1, one, none_below)
