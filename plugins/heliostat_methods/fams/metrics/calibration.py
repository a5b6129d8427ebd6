"""Calibration curves of subgroups: in each score bin the rate that came out, with its interval."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from heliostat_methods.fams.groups.arguments import between, labels, scores
from heliostat_methods.fams.groups.coding import subgroups
from heliostat_methods.fams.metrics.binning import bin_edges, bin_numbers
from heliostat_methods.fams.metrics.wilson import wilson_interval


@dataclass(frozen=True)
class CalibrationBin:
    """The rows of one subgroup in one score bin, of at least one row.

    Scores are from `score_low` to below `score_high`, in the last bin to 1. `rate` is the part of
    label 1, `rate_low` and `rate_high` its Wilson interval.
    """

    group: str
    bin: int
    score_low: float
    score_high: float
    count: int
    mean_score: float
    rate: float
    rate_low: float
    rate_high: float


def calibration_table(
    y_true: ArrayLike,
    y_score: ArrayLike,
    *,
    sensitive_features: Any,
    n_bins: int = 10,
    edges: ArrayLike | None = None,
    strategy: str = "uniform",
    confidence: float = 0.95,
) -> tuple[CalibrationBin, ...]:
    """Return the calibration curve of every subgroup, by subgroup and bin.

    Arguments as for `sufficiency_gap`, without sample weights: an interval needs counts.
    `pandas.DataFrame(calibration_table(...))` makes a frame of it. Bins are those of the scores of
    all rows. Raises ValueError naming argument and row.
    """
    confidence = between("confidence", confidence, 0, 1)
    y = labels("y_true", y_true)
    score = scores("y_score", y_score, len(y))
    groups = subgroups(sensitive_features, len(y))
    cut = bin_edges(score, n_bins, edges, strategy)
    bins = len(cut) - 1
    held, places = np.unique(groups.codes * bins + bin_numbers(score, cut), return_inverse=True)
    rows = np.bincount(places).astype(np.float64)
    positives = np.bincount(places, y).astype(np.float64)
    totals = np.bincount(places, score)
    low, high = wilson_interval(positives, rows, confidence)
    group, at = np.divmod(held, bins)
    columns = (
        cut[at], cut[at + 1], np.bincount(places), totals / rows, positives / rows, low, high
    )  # fmt: skip
    lines = zip(group.tolist(), at.tolist(), *(one.tolist() for one in columns), strict=True)
    return tuple(CalibrationBin(groups.names[code], *line) for code, *line in lines)
