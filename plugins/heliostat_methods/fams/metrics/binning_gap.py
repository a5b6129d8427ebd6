"""What bins alone make of a score that is right: part of a gap that is nobody's fault."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from heliostat_methods.fams.groups.arguments import scores
from heliostat_methods.fams.groups.coding import Subgroups, subgroups
from heliostat_methods.fams.metrics.binning import bin_edges
from heliostat_methods.fams.metrics.gap import sufficiency_gap


def binning_gap(
    y_score: ArrayLike,
    *,
    sensitive_features: Any,
    n_bins: int = 10,
    edges: ArrayLike | None = None,
    strategy: str = "uniform",
    weights: str = "population",
) -> float:
    """Return the gap that these scores would show, without chance, were they calibrated.

    Inside a bin the scores of one subgroup may lie higher than those of another. Were each the
    chance of its label, the subgroup's rate would lie higher as well, and the gap would count it:
    sum_ab J_ab |s_ab - s_b|, s mean scores. Own construction. A gap that is not well above it and
    above chance says nothing; more bins make it smaller. Arguments as for `sufficiency_gap`.
    """
    score = scores("y_score", y_score)
    groups = subgroups(sensitive_features, len(score))
    # each row once as 1 with the weight of its score, and once as 0 with the rest
    return sufficiency_gap(
        np.repeat([1, 0], len(score)),
        np.tile(score, 2),
        sensitive_features=Subgroups(np.tile(groups.codes, 2), groups.names),
        edges=bin_edges(score, n_bins, edges, strategy),
        weights=weights,
        sample_weight=np.concatenate([score, 1 - score]),
    )
