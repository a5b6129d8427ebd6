"""The metrics of a comparison, by name, and what a report draws of one training."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from heliostat import stored
from heliostat_methods.fams.metrics.accuracy import (
    brier_score,
    expected_calibration_error,
    group_accuracies,
    negative_log_likelihood,
)
from heliostat_methods.fams.metrics.calibration import calibration_table
from heliostat_methods.fams.metrics.gap import sufficiency_gap
from heliostat_methods.fams.metrics.permutation import sufficiency_test
from heliostat_methods.fams.metrics.squared_gap import sufficiency_gap_squared
from heliostat_methods.fams.training.problem import Rows

METRICS: Mapping[str, tuple[str, str]] = {
    "accuracy": ("max", "share of rows whose class is right"),
    "mean_group": ("max", "mean of the subgroups' accuracies"),
    "worst_group": ("max", "least accuracy of a subgroup; of small ones it is low by chance"),
    "gap": ("min", "plug-in gap, subgroups weighted by rows; noise makes it too large"),
    "gap_uniform": ("min", "plug-in gap, subgroups weighted alike; noise makes it too large"),
    "gap_squared": ("min", "squared gap, weighted alike, unbiased; below 0 by chance"),
    "nll": ("min", "mean negative log-likelihood, nats"),
    "brier": ("min", "mean squared error of the score"),
    "ece": ("min", "calibration error over all rows"),
    "p_value": ("max", "of the test that the gap is noise, by permutation inside bins"),
}
"""Metric: which way is better, and what it is."""
GROUPS_DRAWN = 8
CLAMPED = "clamped"
"""A round's measure of how often log-variances were held to their bounds, where they were."""
OWN = "of "
"""What a round's measure of one subgroup begins with: none is taken for one of all."""


@dataclass(frozen=True)
class Curve:
    """Calibration of one subgroup: mean score, rate, its interval and rows of each bin with any."""

    group: str
    score: tuple[float, ...]
    rate: tuple[float, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]
    rows: tuple[int, ...]

    def plain(self) -> dict[str, Any]:
        """Return it as plain data."""
        return {name: list(x) if isinstance(x, tuple) else x for name, x in vars(self).items()}


@stored("fams.fitted")
@dataclass(frozen=True)
class Fitted:
    """What one training gave: metrics by name, or why there is none.

    `passes`: rows that went through a network and back, in thousands, once for each network drawn.
    `curves`: plain `Curve`s of the largest subgroups, where they were asked for. `rounds`: measures
    of a bilevel training; `lost`: a sentence on blocks that it had to do without.
    """

    metrics: Mapping[str, float]
    refused: str = ""
    passes: float = 0.0
    curves: tuple[Mapping[str, Any], ...] = ()
    rounds: tuple[Mapping[str, float], ...] = ()
    lost: str = ""


def measured(
    rows: Rows, scores: NDArray[np.float64], n_bins: int, permutations: int, seed: int
) -> dict[str, float]:
    """Return all metrics of scores (rows,)."""
    y, by = rows.labels, rows.groups
    groups = group_accuracies(y, scores, sensitive_features=by)
    each = sorted(one.accuracy for one in groups)
    test = sufficiency_test(
        y, scores, sensitive_features=by, n_bins=n_bins, permutations=permutations, seed=seed
    )
    return {
        "accuracy": float(np.mean((scores > 0.5) == (y == 1))),
        "mean_group": float(np.mean(each)),
        "worst_group": each[0],
        "gap": test.gap,
        "gap_uniform": sufficiency_gap(
            y, scores, sensitive_features=by, n_bins=n_bins, weights="uniform"
        ),
        "gap_squared": sufficiency_gap_squared(
            y, scores, sensitive_features=by, n_bins=n_bins, weights="uniform"
        ).value,
        "nll": negative_log_likelihood(y, scores),
        "brier": brier_score(y, scores),
        "ece": expected_calibration_error(y, scores, n_bins=n_bins),
        "p_value": test.p_value,
    }


def curves(rows: Rows, scores: NDArray[np.float64], n_bins: int) -> tuple[dict[str, Any], ...]:
    """Return the calibration of the largest subgroups, largest first, as plain data."""
    sizes = rows.groups.sizes
    largest = sorted(range(len(sizes)), key=lambda code: (-sizes[code], code))[:GROUPS_DRAWN]
    table = calibration_table(
        rows.labels, scores, sensitive_features=rows.groups, n_bins=min(n_bins, 10)
    )
    found = []
    for name in [rows.groups.names[code] for code in largest]:
        bins = [one for one in table if one.group == name and one.count]
        curve = Curve(
            name,
            tuple(one.mean_score for one in bins),
            tuple(one.rate for one in bins),
            tuple(one.rate_low for one in bins),
            tuple(one.rate_high for one in bins),
            tuple(one.count for one in bins),
        )
        found.append(curve.plain())
    return tuple(found)
