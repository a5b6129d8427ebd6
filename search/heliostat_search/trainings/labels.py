"""Targets as the rows of labels that raw outputs are measured against."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from heliostat_search.trainings.measures import Task

Array = npt.NDArray[Any]


def label_rows(y: Array, task: Task, classes: int, dtype: npt.DTypeLike) -> Array:
    """Return targets (n >= 1,) as labels (C, n): values, 0/1 where C = 1, or one-hot columns.

    ``classes`` is C; a regression has one row whatever it says. Raises ``ValueError`` for labels of
    a classification that are no whole numbers 0..C-1 (0 and 1 where C = 1).
    """
    if task == "regression":
        return np.ascontiguousarray(y.reshape(1, -1), dtype)
    highest = 1 if classes == 1 else classes - 1
    if (y != np.floor(y)).any() or y.min() < 0 or y.max() > highest:
        raise ValueError(
            f"labels: range {y.min()}..{y.max()}; expected whole numbers 0..{highest} "
            f"for classes = {classes}"
        )
    if classes == 1:
        return np.ascontiguousarray(y.reshape(1, -1), dtype)
    return np.ascontiguousarray(np.arange(classes)[:, None] == y[None, :].astype(int), dtype)
