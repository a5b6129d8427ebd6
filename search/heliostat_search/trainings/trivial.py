"""What knows nothing of the inputs: always the mean of the target, or the most frequent class."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from heliostat_search.trainings.labels import label_rows
from heliostat_search.trainings.measures import OF_TASK, Measure, Task, measured

Array = npt.NDArray[Any]
LABELS: dict[Task, str] = {
    "regression": "always the mean",
    "classification": "always the most frequent class",
}
EXPLODED = 100.0
"""A training explodes when it ends this many times as wrong as what knows nothing."""


def explosion_limit(trivial: float) -> float:
    """Return the measure above which a training exploded, beside that of what knows nothing.

    Where that makes no error at all (test rows of one class), as many times of nothing would call
    every error an explosion: then only what is not finite explodes.
    """
    return EXPLODED * trivial if trivial > 0 else float(np.finfo(np.float64).max)


def trivial_measures(task: Task, classes: int, train: Array, test: Array) -> dict[Measure, float]:
    """Return the measures on test targets (m,) of a model that always gives one answer.

    The answer is made of the training targets (n,): their mean, or class probabilities that are
    the shares among them. ``classes`` is the number of outputs: 1 for a regression; 1 for a
    classification means a sigmoid and labels 0 and 1. Raises ``ValueError`` as ``label_rows`` does.
    """
    if task == "regression":
        answer = np.array([np.mean(train)])
    else:
        counts = np.bincount(train.astype(int), minlength=max(classes, 2))
        shares = np.log(np.maximum(counts, 1e-7) / len(train))
        answer = shares if classes > 1 else shares[1:] - shares[:1]
    labels = label_rows(test, task, classes, np.float64)
    outputs = np.repeat(answer[:, None], labels.shape[1], axis=1)
    names = OF_TASK[task]
    return dict(zip(names, map(float, measured(names, outputs, labels)), strict=True))
