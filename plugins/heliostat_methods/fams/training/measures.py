"""The metrics of a comparison, by name, and what a report draws of one training."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from heliostat import HeliostatError, stored
from heliostat_methods.fams.groups.arguments import scores as checked_scores
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

    `missing`: why a metric has no value on these rows, by its name; the others stand. `passes`:
    rows that went through a network and back, in thousands, once for each network drawn. `curves`:
    plain `Curve`s of the largest subgroups, where they were asked for. `rounds`: measures of a
    bilevel training; `lost`: a sentence on blocks that it had to do without.
    """

    metrics: Mapping[str, float]
    refused: str = ""
    passes: float = 0.0
    curves: tuple[Mapping[str, Any], ...] = ()
    rounds: tuple[Mapping[str, float], ...] = ()
    lost: str = ""
    missing: Mapping[str, str] = field(default_factory=dict)


def measured(
    rows: Rows, scores: NDArray[np.float64], n_bins: int, permutations: int, seed: int
) -> tuple[dict[str, float], dict[str, str]]:
    """Return the metrics of scores (rows,) by name, and of those without a value the reason."""
    found: dict[str, float] = {}
    missing: dict[str, str] = {}
    for names, several in _metrics(rows, scores, n_bins, permutations, seed).items():
        try:
            values = several()
        except (HeliostatError, ValueError) as error:  # too few rows for it
            missing |= dict.fromkeys(names, str(error))
        else:
            found |= dict(zip(names, values, strict=True))
    return {name: found[name] for name in METRICS if name in found}, missing


def _metrics(
    rows: Rows, scores: NDArray[np.float64], n_bins: int, permutations: int, seed: int
) -> dict[tuple[str, ...], Callable[[], tuple[float, ...]]]:
    """Return how metrics are worked out, those that come at once together."""
    y, by = rows.labels, rows.groups
    shared: dict[str, Any] = {"sensitive_features": by, "n_bins": n_bins}

    def of_groups() -> tuple[float, float]:
        each = [one.accuracy for one in group_accuracies(y, scores, sensitive_features=by)]
        return float(np.mean(sorted(each))), min(each)

    def tested() -> tuple[float, float]:
        test = sufficiency_test(y, scores, **shared, permutations=permutations, seed=seed)
        return test.gap, test.p_value

    return {
        ("accuracy",): lambda: (
            float(np.mean((checked_scores("scores", scores) > 0.5) == (y == 1))),
        ),
        ("mean_group", "worst_group"): of_groups,
        ("gap", "p_value"): tested,
        ("gap_uniform",): lambda: (sufficiency_gap(y, scores, **shared, weights="uniform"),),
        ("gap_squared",): lambda: (
            sufficiency_gap_squared(y, scores, **shared, weights="uniform").value,
        ),
        ("nll",): lambda: (negative_log_likelihood(y, scores),),
        ("brier",): lambda: (brier_score(y, scores),),
        ("ece",): lambda: (expected_calibration_error(y, scores, n_bins=n_bins),),
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
