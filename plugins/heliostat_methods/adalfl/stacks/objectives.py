"""The task's own loss and its slopes at the raw outputs, for a stack of R networks.

Labels have one column per output: the target itself, or 0 and 1; one output of a classification is
a sigmoid, more are a softmax. Every loss is a mean over the batch.
"""

from typing import Literal, get_args

import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits

Task = Literal["regression", "classification"]


def check_task(task: str) -> None:
    """Raise ``ValueError`` for any other task."""
    if task not in get_args(Task):
        expected = " or ".join(map(repr, get_args(Task)))
        raise ValueError(f"task: got {task!r}; expected {expected}")


def check_batch(outputs: Tensor, labels: Tensor) -> None:
    """Raise ``ValueError`` unless both are (R, B, C) with no empty side."""
    if outputs.ndim != 3 or not outputs.numel():
        raise ValueError(f"outputs: shape {tuple(outputs.shape)}; expected (R, B, C), all >= 1")
    if labels.shape != outputs.shape:
        raise ValueError(
            f"labels: shape {tuple(labels.shape)}; expected that of outputs, {tuple(outputs.shape)}"
        )


@torch.no_grad()
def objective(outputs: Tensor, labels: Tensor, task: Task) -> tuple[Tensor, Tensor]:
    """Return the losses (R,) and their slopes by the raw outputs (R, B, C).

    Regression: mean of squares over batch and outputs. Classification: cross-entropy of labels
    (R, B, C) that sum to 1 in every row, or with C = 1 of labels in [0, 1]. Raises ``ValueError``
    for another task and for shapes that do not fit.
    """
    check_task(task)
    check_batch(outputs, labels)
    rows, classes = outputs.shape[1:]
    if task == "regression":
        apart = outputs - labels
        return apart.square().mean((1, 2)), apart.mul_(2.0 / (rows * classes))
    if classes == 1:
        each = binary_cross_entropy_with_logits(outputs, labels, reduction="none")
        return each.mean((1, 2)), torch.sigmoid(outputs).sub_(labels).div_(rows)
    # Classes before rows: sums over classes then run along whole vectors of rows.
    columns, wanted = outputs.mT.contiguous(), labels.mT
    chances = torch.log_softmax(columns, 1)
    values = (chances * wanted).sum((1, 2)).div_(-rows)
    return values, chances.exp_().sub_(wanted).div_(rows).mT


def label_rows(targets: npt.ArrayLike, task: Task, classes: int, dtype: torch.dtype) -> Tensor:
    """Return targets (n,) as the labels (n, C) of `objective` and of loss networks.

    Regression: the targets as one column, C = 1. Classification: class numbers from 0 to
    ``classes - 1``; two or more become one-hot rows, and ``classes = 1`` stands for one sigmoid
    whose targets are 0 or 1. Raises ``ValueError`` for targets that are none of these.
    """
    check_task(task)
    given = torch.as_tensor(targets)
    if given.ndim != 1 or not len(given):
        raise ValueError(f"targets: shape {tuple(given.shape)}; expected (n,) with n >= 1")
    if task == "regression":
        if classes != 1:
            raise ValueError(f"classes: got {classes!r}; expected 1 for a regression")
        if not given.isfinite().all():
            raise ValueError("targets: not all are finite; expected finite numbers")
        return given.to(dtype)[:, None]
    if classes < 1:
        raise ValueError(f"classes: got {classes!r}; expected at least 1")
    numbers = given.long()
    top = max(classes - 1, 1)
    outside = (numbers != given) | (numbers < 0) | (numbers > top)
    if outside.any():
        first = given[outside][0].item()
        raise ValueError(f"targets: got {first!r}; expected whole numbers from 0 to {top}")
    if classes == 1:
        return numbers.to(dtype)[:, None]
    rows = torch.zeros(len(numbers), classes, dtype=dtype, device=given.device)
    return rows.scatter_(1, numbers[:, None], 1.0)
