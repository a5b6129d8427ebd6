"""The sufficiency gap as the authors' released code computes it (`standard_suf_gap_all`).

It is here to reproduce their numbers, and differs from `sufficiency_gap` in this:

- bins are not weighted: one of three rows counts like one of three thousand;
- a subgroup's curve of rates is interpolated at the overall mean scores, and constant outside;
- a score on an edge is in the lower bin (scikit-learn's `calibration_curve`);
- where an overall bin is empty the overall rates are replaced by zeros, and so are the subgroups',
  since assigning a shorter curve fails and the failure is passed over: the gap is a perfect 0.
  Where all scores share one bin that assignment works, and the mean rate of subgroups comes out;
- for two of their data sets the first subgroup is left out of the mean.
"""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from heliostat_methods.fams.groups.arguments import ArgumentError, labels, scores, whole
from heliostat_methods.fams.groups.coding import subgroups
from heliostat_methods.fams.metrics.binning import MOST_BINS

Curve = tuple[NDArray[np.float64], NDArray[np.float64]]
"""Rate and mean score of each bin that holds a row."""


def sufficiency_gap_authors(
    y_true: ArrayLike,
    y_score: ArrayLike,
    *,
    sensitive_features: Any,
    n_bins: int = 10,
    skip_first_group: bool = False,
) -> float:
    """Return the released metric, with a UserWarning where empty bins make it meaningless.

    Arguments as for `sufficiency_gap`; `skip_first_group` leaves the first subgroup, in sorted
    order, out of the mean, as the code does for adult and toxic. Raises ValueError naming argument
    and row.
    """
    y = labels("y_true", y_true)
    score = scores("y_score", y_score, len(y))
    groups = subgroups(sensitive_features, len(y))
    n_bins = whole("n_bins", n_bins, 1, MOST_BINS)
    counted = np.flatnonzero(groups.sizes)[1 if skip_first_group else 0 :]
    if not len(counted):
        raise ArgumentError("skip_first_group", True, "a second subgroup to take the mean of")
    overall = _curve(y, score, n_bins)
    if len(overall[0]) != n_bins:
        return _fallback(y, groups.codes, counted, n_bins, len(overall[0]))
    rows = np.split(np.argsort(groups.codes, kind="stable"), np.cumsum(groups.sizes)[:-1])
    gaps = [_distance(overall, _curve(y[rows[a]], score[rows[a]], n_bins)) for a in counted]
    return float(np.mean(gaps))


def _curve(y: NDArray[np.float64], score: NDArray[np.float64], n_bins: int) -> Curve:
    # scikit-learn's own edges and side, so that scores on an edge fall as they do there
    inner = np.linspace(0.0, 1.0, n_bins + 1)[1:-1]
    bins = np.searchsorted(inner, score)
    rows = np.bincount(bins)
    held = rows > 0
    return (
        np.bincount(bins, y)[held] / rows[held],
        np.bincount(bins, score)[held] / rows[held],
    )


def _distance(overall: Curve, group: Curve) -> float:
    rates, at = overall
    of_group = np.interp(at, group[1], group[0])
    return float(np.abs(rates - of_group).mean())


def _fallback(
    y: NDArray[np.float64],
    codes: NDArray[np.int64],
    counted: NDArray[np.int64],
    n_bins: int,
    held: int,
) -> float:
    rates = np.bincount(codes, y)[counted] / np.bincount(codes)[counted]
    value = float(rates.mean()) if held == 1 else 0.0
    says = "the mean rate of subgroups" if held == 1 else "0"
    warnings.warn(
        f"sufficiency_gap_authors: {n_bins - held} of {n_bins} score bins are empty, so the "
        f"released metric is {says}, whatever the data are; use sufficiency_gap",
        UserWarning,
        stacklevel=3,
    )
    return value
