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

    Regression: ``outputs`` and ``targets`` of one shape but for axes of length 1, the mean over
    entries. Classification: ``outputs`` are logits (batch, C), of which the softmax (of one the
    sigmoid) meets one-hot labels; the sum (or mean) over classes, the mean over the batch.
    ``targets`` are class indices (batch,) or one-hot rows (batch, C). Raises ``ValueError`` for
    shapes that do not fit.
    """
    if task == "regression":
        return elementwise(_like(targets, outputs), outputs).mean()
    labels = _label_rows(targets, outputs)
    probabilities = outputs.softmax(1) if outputs.shape[1] > 1 else outputs.sigmoid()
    entries = elementwise(labels, probabilities)
    return (entries.sum(1) if class_reduction == "sum" else entries.mean(1)).mean()


def one_hot(targets: Tensor, classes: int) -> Tensor:
    """Return labels (batch, C) of class indices (batch,) or of rows that are such already.

    With one class labels lie in [0, 1]. Raises ``ValueError`` for indices that are no whole numbers
    or are out of range.
    """
    if classes == 1:
        if targets.numel() and not bool(((targets >= 0) & (targets <= 1)).all()):
            low, high = targets.min().item(), targets.max().item()
            raise ValueError(f"targets: range {low}..{high}; expected 0..1")
        return targets.reshape(-1, 1)
    if targets.ndim == 1:
        if targets.is_floating_point():
            raise ValueError(f"targets: got {targets.dtype}; expected integers as class indices")
        if len(targets) and (int(targets.min()) < 0 or int(targets.max()) >= classes):
            low, high = int(targets.min()), int(targets.max())
            raise ValueError(f"targets: range {low}..{high}; expected 0..{classes - 1}")
        return torch.nn.functional.one_hot(targets.long(), classes)
    return targets


def task_objective(task: Task, outputs: Tensor, targets: Tensor) -> Tensor:
    """Return the task's own loss of a batch: mean squared error, or cross-entropy of the logits.

    Shapes and errors as in ``batch_loss``; one logit goes with labels 0 and 1.
    """
    if task == "regression":
        return torch.nn.functional.mse_loss(outputs, _like(targets, outputs))
    labels = _label_rows(targets, outputs)
    if outputs.shape[1] == 1:
        return torch.nn.functional.binary_cross_entropy_with_logits(outputs, labels)
    return -(labels * outputs.log_softmax(1)).sum(1).mean()


def _like(targets: Tensor, outputs: Tensor) -> Tensor:
    """Return a regression's targets in the outputs' shape, which may differ in axes of length 1."""
    if [n for n in targets.shape if n != 1] != [n for n in outputs.shape if n != 1]:
        raise ValueError(f"targets: shape {tuple(targets.shape)}; expected {tuple(outputs.shape)}")
    return targets.reshape(outputs.shape).to(outputs)


def _label_rows(targets: Tensor, outputs: Tensor) -> Tensor:
    """Return a classification's labels in the shape of the logits, (batch, C)."""
    if outputs.ndim != 2:
        raise ValueError(f"outputs: shape {tuple(outputs.shape)}; expected (batch, classes)")
    labels = one_hot(targets, outputs.shape[1]).to(outputs)
    if labels.shape != outputs.shape:
        raise ValueError(
            f"targets: shape {tuple(targets.shape)}; expected ({outputs.shape[0]},) class "
            f"indices or {tuple(outputs.shape)} one-hot rows"
        )
    return labels
