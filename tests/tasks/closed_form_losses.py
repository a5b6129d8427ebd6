"""Losses in closed form that learned ones are compared with.

Classification losses take ``logits`` (n, C) and class indices ``targets`` (n,) and return one value
a sample, (n,). Raises ``ValueError`` for shapes that do not fit or labels outside 0..C-1.
"""

from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]
_ACE_SHIFT = 1e-10


def log_softmax(logits: Array) -> Array:
    """Return log-probabilities, (n, C)."""
    shifted = logits - logits.max(axis=1, keepdims=True)
    result: Array = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    return result


def one_hot(targets: Array, classes: int) -> Array:
    """Return (n, C) rows of 0 and 1."""
    targets = np.asarray(targets)
    if targets.ndim != 1 or targets.min() < 0 or targets.max() >= classes:
        raise ValueError(f"targets: expected class indices (n,) in 0..{classes - 1}")
    return np.eye(classes)[targets]


def cross_entropy(logits: Array, targets: Array) -> Array:
    """Return ``-log p_t``."""
    return label_smoothing(logits, targets, 0.0)


def label_smoothing(logits: Array, targets: Array, xi: float) -> Array:
    """Return ``-sum_c (y_c (1 - xi) + xi / C) log p_c`` (Szegedy et al. 2016)."""
    logits = np.asarray(logits, np.float64)
    classes = logits.shape[1]
    smooth = one_hot(targets, classes) * (1.0 - xi) + xi / classes
    result: Array = -(smooth * log_softmax(logits)).sum(axis=1)
    return result


def sparse_label_smoothing(logits: Array, targets: Array, xi: float) -> Array:
    """Return label smoothing with the other classes' share spread evenly over them.

    ``-[(1 - xi + xi/C) log p_t + xi (C-1)/C log((1 - p_t)/(C - 1))]``: never above
    ``label_smoothing`` (Jensen), equal when the other probabilities are equal. This is the authors'
    formula; their code adds the second term, which makes the loss negative.
    """
    logits = np.asarray(logits, np.float64)
    classes = logits.shape[1]
    log_p = (log_softmax(logits) * one_hot(targets, classes)).sum(axis=1)
    # Computed from log p; one minus a probability near one has no digits left below the clamp.
    rest = np.maximum(-np.expm1(log_p), 1e-7)
    share = xi * (classes - 1) / classes
    result: Array = -((1.0 - share) * log_p + share * np.log(rest / (classes - 1)))
    return result


def absolute_cross_entropy(
    logits: Array, targets: Array, phi0: float = 1.0, phi1: float = 1.0
) -> Array:
    """Return ``phi0 sum_c |log(phi1 (y_c p_c + 1e-10))|``, the recurring learned loss."""
    logits = np.asarray(logits, np.float64)
    p = np.exp(log_softmax(logits))
    labels = one_hot(targets, logits.shape[1])
    result: Array = phi0 * np.abs(np.log(phi1 * (labels * p + _ACE_SHIFT))).sum(axis=1)
    return result
