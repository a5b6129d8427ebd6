"""The part of a cost that adds up: what each choice costs wherever it is made, and at its place.

Latency, multiply-adds and parameters are nearly sums over layers. Weights that are not negative,
with the least relative error, carry what is known to architectures unlike all known ones, where a
kernel only falls back to the mean; what does not add up is left to it.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import nnls

Column = NDArray[np.float64]
RIDGE = 0.03
"""Penalty on weights, in parts of the median cost: it settles those that nothing known tells."""
LEAST = 0.5
"""Part of the least known cost below which no cost is predicted."""


def additive_weights(features: NDArray[np.float32], cost: Column) -> Column:
    """Return the weights (columns,) of features (n, columns) that explain costs (n,)."""
    columns = features.shape[1]
    relative = features / cost[:, None]
    penalty = np.eye(columns) * (RIDGE / (np.sqrt(columns) * np.median(cost)))
    target = np.concatenate([np.ones(len(cost)), np.zeros(columns)])
    weights: Column = nnls(np.concatenate([relative, penalty]), target)[0]
    return weights


def additive_log_cost(features: NDArray[np.float32], weights: Column, known: Column) -> Column:
    """Return log10 of the costs (n,) that features (n, columns) add up to."""
    total = features.astype(np.float64) @ weights
    logarithms: Column = np.log10(np.maximum(total, LEAST * known.min()))
    return logarithms
