"""What the raw outputs of a model are judged by, against rows of labels.

All are lower is better, so that a search and a comparison can minimise any of them:

=================  =============================================================================
``mse``            mean squared error, ``rmse`` its root, ``mae`` mean absolute error
``error_rate``     share of rows whose largest output is another class
``balanced_error`` mean over classes of the share of their rows that is wrong: 1 - balanced accuracy
``cross_entropy``  mean of -log p of the target class: log-loss
``auc_error``      1 - area under the ROC curve of p, one class against the rest, mean over classes
=================  =============================================================================

Classes without a row among those measured count nowhere.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]
Task = Literal["regression", "classification"]
Measure = Literal[
    "mse", "error_rate", "cross_entropy", "rmse", "mae", "balanced_error", "auc_error"
]
OF_TASK: dict[Task, tuple[Measure, ...]] = {
    "regression": ("mse", "rmse", "mae"),
    "classification": ("error_rate", "balanced_error", "cross_entropy", "auc_error"),
}
"""What each kind of task is measured by, the usual one first."""
CHOICES: dict[Task, dict[str, Measure]] = {
    "regression": {"mse": "mse", "rmse": "rmse", "mae": "mae"},
    "classification": {"error_rate": "error_rate", "balanced_error": "balanced_error",
                       "log_loss": "cross_entropy", "auc": "auc_error"},
}  # fmt: skip
"""What a configuration calls them."""


def measured(names: Sequence[Measure], outputs: Array, labels: Array) -> npt.NDArray[np.float64]:
    """Return measures of raw outputs (C, n) against label rows (C, n), (len(names),).

    +inf where an output is not finite: a broken model has no error.
    """
    if not np.isfinite(outputs).all():
        return np.full(len(names), np.inf)
    exact, rows = outputs.astype(np.float64), labels.astype(np.float64)
    return np.array([_ONE[name](exact, rows) for name in names])


def _mse(outputs: Array, labels: Array) -> float:
    return float(np.mean((outputs - labels) ** 2))


def _error_rate(outputs: Array, labels: Array) -> float:
    return float(np.mean(_wrong(outputs, labels)))


def _balanced_error(outputs: Array, labels: Array) -> float:
    wrong, classes = _wrong(outputs, labels), _classes(labels)
    return float(np.mean([wrong[classes == c].mean() for c in np.unique(classes)]))


def _cross_entropy(outputs: Array, labels: Array) -> float:
    if len(outputs) == 1:
        return float(np.mean(np.logaddexp(0.0, outputs) - labels * outputs))
    top = outputs - outputs.max(axis=0)
    return float(np.mean(np.log(np.exp(top).sum(axis=0)) - (labels * top).sum(axis=0)))


def _auc_error(outputs: Array, labels: Array) -> float:
    """Return 1 - AUC; a class against the rest by its probability, ties counting one half."""
    from scipy.stats import rankdata

    scores = outputs
    if len(outputs) > 1:
        # The logarithm keeps apart what probabilities near 0 round together.
        scores = outputs - np.logaddexp.reduce(outputs, axis=0)
    if len(outputs) == 2:
        scores = np.stack([outputs[0] - outputs[1], outputs[1] - outputs[0]])
    areas = []
    # Of two classes one ranking is the other's reverse.
    for score, label in list(zip(scores, labels, strict=True))[: 1 if len(scores) == 2 else None]:
        inside = label > 0.5
        hits, misses = int(inside.sum()), int((~inside).sum())
        if hits and misses:
            above = rankdata(score)[inside].sum() - hits * (hits + 1) / 2
            areas.append(above / (hits * misses))
    return 1.0 - float(np.mean(areas)) if areas else 0.5


def _wrong(outputs: Array, labels: Array) -> npt.NDArray[np.bool_]:
    if len(outputs) == 1:
        return np.asarray((outputs[0] > 0) != (labels[0] > 0.5))
    return np.asarray(outputs.argmax(axis=0) != labels.argmax(axis=0))


def _classes(labels: Array) -> Array:
    return np.asarray(labels[0] > 0.5 if len(labels) == 1 else labels.argmax(axis=0))


_ONE = {
    "mse": _mse,
    "rmse": lambda outputs, labels: float(np.sqrt(_mse(outputs, labels))),
    "mae": lambda outputs, labels: float(np.mean(np.abs(outputs - labels))),
    "error_rate": _error_rate,
    "balanced_error": _balanced_error,
    "cross_entropy": _cross_entropy,
    "auc_error": _auc_error,
}  # fmt: skip

_GROUPS = 20


def standard_error(name: Measure, outputs: Array, labels: Array) -> float:
    """Return the standard error of a measure over the rows (C, n) it was measured on.

    Jackknife over groups of rows: it holds for measures that are no mean over rows, too, and draws
    no random number. NaN below two rows, +inf where an output is not finite.
    """
    if not np.isfinite(outputs).all():
        return float("inf")
    count = min(_GROUPS, outputs.shape[1])
    if count < 2:
        return float("nan")
    group = np.arange(outputs.shape[1]) % count
    left_out = np.array(
        [measured((name,), outputs[:, group != g], labels[:, group != g])[0] for g in range(count)]
    )
    return float(np.sqrt((count - 1) / count * np.square(left_out - left_out.mean()).sum()))
