"""Stacked losses as automatic differentiation sees them: for second derivatives and for fits."""

from __future__ import annotations

import itertools

import torch
from torch import Tensor

from heliostat_search.loss_networks import smooth_leaky_relu
from heliostat_search.loss_networks.shape import LossShape
from heliostat_search.trainings.measures import Task


def dense_outputs(theta: Tensor, widths: tuple[int, ...], x: Tensor) -> Tensor:
    """Return the outputs (R, B, C) of dense rectifier networks ``theta`` (R, P) for x (R, B, d)."""
    at, h = 0, x
    for number, (inputs, outputs) in enumerate(itertools.pairwise(widths)):
        size = inputs * outputs
        matrix = theta[:, at : at + size].reshape(-1, outputs, inputs)
        bias = theta[:, at + size : at + size + outputs].unsqueeze(1)
        h = torch.baddbmm(bias, h, matrix.mT)
        if number < len(widths) - 2:
            h = h.relu()
        at += size + outputs
    return h


def pair_values(phi: Tensor, shape: LossShape, p: Tensor, y: Tensor) -> Tensor:
    """Return M(p, y), (R, N), of loss networks ``phi`` (R, Q) on pairs (R, N)."""
    at, h = 0, torch.stack((p, y), -1)
    for number, (inputs, outputs) in enumerate(itertools.pairwise(shape.widths)):
        size = inputs * outputs
        h = torch.bmm(h, phi[:, at : at + size].reshape(-1, outputs, inputs).mT)
        at += size
        if number == len(shape.widths) - 2:
            return smooth_leaky_relu.value(h.squeeze(-1), *shape.output_bend)
        if shape.hidden_activation == "relu":
            h = h.relu()
        else:
            h = smooth_leaky_relu.value(h, shape.gamma, shape.beta)
    raise AssertionError("a loss network has at least two layers")


def network_losses(
    phi: Tensor, shape: LossShape, task: Task, outputs: Tensor, labels: Tensor
) -> Tensor:
    """Return the losses (R,) of loss networks on raw outputs and labels (R, B, C)."""
    values = outputs
    if task == "classification":
        values = outputs.sigmoid() if outputs.shape[2] == 1 else outputs.softmax(2)
    entries = pair_values(phi, shape, values.flatten(1), labels.flatten(1)).view_as(outputs)
    losses = (entries.sum(2) if shape.class_reduction == "sum" else entries.mean(2)).mean(1)
    return losses + task_losses(task, outputs, labels) if shape.add_task_loss else losses


def task_losses(task: Task, outputs: Tensor, labels: Tensor) -> Tensor:
    """Return mean squared errors or cross-entropies (R,) of raw outputs (R, B, C)."""
    if task == "regression":
        return (outputs - labels).square().mean((1, 2))
    if outputs.shape[2] == 1:
        entries = torch.nn.functional.binary_cross_entropy_with_logits(
            outputs, labels, reduction="none"
        )
        return entries.mean((1, 2))
    return -(labels * outputs.log_softmax(2)).sum(2).mean(1)
