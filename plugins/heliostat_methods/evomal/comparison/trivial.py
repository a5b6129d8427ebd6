"""What knows nothing of the inputs: always the mean of the target, or the most frequent class."""

from __future__ import annotations

import numpy as np

from heliostat_methods.evomal.learners.problem import ProblemData
from heliostat_methods.evomal.losses.tree import Task
from heliostat_search.trainings.labels import label_rows
from heliostat_search.trainings.measures import OF_TASK, Measure, measured

LABELS: dict[Task, str] = {
    "regression": "always the mean",
    "classification": "always the most frequent class",
}
EXPLODED = 100.0
"""A training explodes when it ends this many times as wrong as what knows nothing."""


def trivial_measures(data: ProblemData) -> dict[Measure, float]:
    """Return the measures on test data of a model that always gives one and the same answer.

    Its class probabilities are the shares among the training rows.
    """
    (_, train), (_, test) = data.train, data.test
    if data.task == "regression":
        answer = np.array([np.mean(train)])
    else:
        counts = np.bincount(train.astype(int), minlength=max(data.classes, 2))
        shares = np.log(np.maximum(counts, 1e-7) / len(train))
        answer = shares if data.classes > 1 else shares[1:] - shares[:1]
    labels = label_rows(test, data.task, data.classes, np.float64)
    outputs = np.repeat(answer[:, None], labels.shape[1], axis=1)
    names = OF_TASK[data.task]
    return dict(zip(names, map(float, measured(names, outputs, labels)), strict=True))
