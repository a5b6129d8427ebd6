"""How a loss of one output and one label becomes the loss of a batch."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import torch
from torch import Tensor

Task = Literal["regression", "classification"]
Elementwise = Callable[[Tensor, Tensor], Tensor]


def batch_loss(
    elementwise: Elementwise,
    task: Task,
    outputs: Tensor,
    targets: Tensor,
    class_reduction: Literal["sum", "mean"] = "sum",
) -> Tensor:
    """Return the scalar loss of a batch for ``elementwise(labels, values)``.

    Regression: ``outputs`` and ``targets`` of one shape, the mean over entries. Classification:
    ``outputs`` are logits (batch, C), of which the softmax (of one the sigmoid) meets one-hot
    labels; the sum (or mean) over classes, the mean over the batch. ``targets`` are class indices
    (batch,) or one-hot rows (batch, C). Raises ``ValueError`` for shapes that do not fit.
    """
    if task == "regression":
        if outputs.numel() != targets.numel():
            raise ValueError(
                f"targets: shape {tuple(targets.shape)}; expected {tuple(outputs.shape)}"
            )
        return elementwise(targets.reshape(outputs.shape).to(outputs), outputs).mean()
    if outputs.ndim != 2:
        raise ValueError(f"outputs: shape {tuple(outputs.shape)}; expected (batch, classes)")
    classes = outputs.shape[1]
    probabilities = outputs.softmax(1) if classes > 1 else outputs.sigmoid()
    labels = one_hot(targets, classes).to(outputs)
    if labels.shape != outputs.shape:
        raise ValueError(
            f"targets: shape {tuple(targets.shape)}; expected ({outputs.shape[0]},) class "
            f"indices or {tuple(outputs.shape)} one-hot rows"
        )
    entries = elementwise(labels, probabilities)
    return (entries.sum(1) if class_reduction == "sum" else entries.mean(1)).mean()


def one_hot(targets: Tensor, classes: int) -> Tensor:
    """Return labels (batch, C) of class indices (batch,) or of rows that are such already.

    Raises ``ValueError`` for indices that are no whole numbers or are out of range.
    """
    if classes == 1:
        return targets.reshape(-1, 1)
    if targets.ndim == 1:
        if targets.is_floating_point():
            raise ValueError("targets: class indices must be integers")
        if len(targets) and (int(targets.min()) < 0 or int(targets.max()) >= classes):
            low, high = int(targets.min()), int(targets.max())
            raise ValueError(f"targets: range {low}..{high}; expected 0..{classes - 1}")
        return torch.nn.functional.one_hot(targets, classes)
    return targets


def task_objective(task: Task, outputs: Tensor, targets: Tensor) -> Tensor:
    """Return the task's own loss of a batch: mean squared error, or cross-entropy of the logits.

    Shapes and errors as in ``batch_loss``; one logit goes with labels 0 and 1.
    """
    if task == "regression":
        if outputs.numel() != targets.numel():
            raise ValueError(
                f"targets: shape {tuple(targets.shape)}; expected {tuple(outputs.shape)}"
            )
        return torch.nn.functional.mse_loss(outputs, targets.reshape(outputs.shape).to(outputs))
    if outputs.ndim != 2:
        raise ValueError(f"outputs: shape {tuple(outputs.shape)}; expected (batch, classes)")
    if outputs.shape[1] == 1:
        labels = targets.reshape(-1, 1).to(outputs)
        return torch.nn.functional.binary_cross_entropy_with_logits(outputs, labels)
    labels = one_hot(targets, outputs.shape[1]).to(outputs)
    return -(labels * outputs.log_softmax(1)).sum(1).mean()
