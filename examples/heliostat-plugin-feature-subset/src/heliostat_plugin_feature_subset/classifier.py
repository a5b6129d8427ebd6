"""A ridge classifier in closed form, and scores of subsets of columns; knows no platform."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Mask = NDArray[np.bool_]


def fit(x: Floats, labels: Ints, classes: int, ridge: float) -> Floats:
    """Return weights (1 + columns, classes) of least squares on one-hot labels.

    The first row is the intercept, which is not penalised.
    """
    ones = np.hstack([np.ones((len(x), 1)), x])
    penalty = ridge * np.eye(ones.shape[1])
    penalty[0, 0] = 1e-9
    right = ones.T @ np.eye(classes)[labels]
    return np.asarray(np.linalg.solve(ones.T @ ones + penalty, right), dtype=np.float64)


def error_rate(weights: Floats, x: Floats, labels: Ints) -> float:
    """Return the share of rows whose largest output is another class."""
    outputs = weights[0] + x @ weights[1:]
    return float(np.mean(outputs.argmax(axis=1) != labels))


def trained_error(
    train: tuple[Floats, Ints], test: tuple[Floats, Ints], mask: Mask, classes: int, ridge: float
) -> float:
    """Return the test error of a classifier that sees the columns of `mask` (columns,) only.

    Columns are scaled by mean and deviation of the train part.
    """
    x, labels = train[0][:, mask], train[1]
    center, spread = x.mean(axis=0), x.std(axis=0)
    spread = np.where(spread > 0, spread, 1.0)
    weights = fit((x - center) / spread, labels, classes, ridge)
    return error_rate(weights, (test[0][:, mask] - center) / spread, test[1])


def cross_validated(
    x: Floats, labels: Ints, mask: Mask, folds: Ints, classes: int, ridge: float
) -> float:
    """Return the mean error over folds; folds: (samples,), the number of each row's fold."""
    if not mask.any():
        return 1.0
    errors = []
    for fold in range(int(folds.max()) + 1):
        inside, outside = folds != fold, folds == fold
        train, test = (x[inside], labels[inside]), (x[outside], labels[outside])
        errors.append(trained_error(train, test, mask, classes, ridge))
    return float(np.mean(errors))


def f_scores(x: Floats, labels: Ints, classes: int) -> Floats:
    """Return the F statistic of each column (columns,): variance between classes over within."""
    overall = x.mean(axis=0)
    between, within = np.zeros(x.shape[1]), np.zeros(x.shape[1])
    for label in range(classes):
        rows = x[labels == label]
        between += len(rows) * (rows.mean(axis=0) - overall) ** 2
        within += ((rows - rows.mean(axis=0)) ** 2).sum(axis=0)
    freedom = (len(x) - classes) / (classes - 1)
    scores: Floats = freedom * between / np.where(within > 0, within, np.inf)
    return scores
