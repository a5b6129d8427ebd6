"""What runs on a worker."""

from __future__ import annotations

import numpy as np
from heliostat import TaskContext, task

from heliostat_plugin_feature_subset.classifier import Mask, cross_validated, trained_error


@task("feature_subset.score")
def score(item: tuple[int, int, Mask], ctx: TaskContext) -> list[float]:
    """Return the cross-validated errors of a block of subsets.

    item: generation, number of folds, masks (subsets, columns).
    """
    generation, count, masks = item
    data = ctx.shared()
    # by name: all subsets of a generation are compared on the same folds, the next one gets others
    rng = ctx.rng("folds", generation)
    folds = rng.permutation(np.arange(len(data["labels"])) % count)
    return [
        cross_validated(data["x"], data["labels"], mask, folds, data["classes"], data["ridge"])
        for mask in masks
    ]


@task("feature_subset.retrain")
def retrain(item: tuple[int, Mask], ctx: TaskContext) -> float:
    """Return the test error after training on rows drawn with replacement; item: number, mask."""
    number, mask = item
    data = ctx.shared()
    rows = ctx.rng("rows", number).integers(0, len(data["labels"]), len(data["labels"]))
    train = (data["x"][rows], data["labels"][rows])
    test = (data["test_x"], data["test_labels"])
    return trained_error(train, test, mask, data["classes"], data["ridge"])
