"""R loss networks side by side: loss, slopes at the raw outputs, and how weights change these.

Each network M(p, y) is applied to every pair of a prediction and its label; predictions are the raw
outputs of a regression, or their softmax (their sigmoid where there is one). A row of ``phi``
(R, Q) holds each matrix (out, in) row by row in the order of layers; the first column of the first
is the prediction's, the second the label's.

Source: Raymond et al. 2023, "Online loss function learning", arXiv 2301.13247; the closed form is
derived in `rectified_pairs`, `one_hot_pairs` and `smooth_pairs`.
"""

import itertools
from typing import NamedTuple

import torch
from torch import Tensor

from heliostat_methods.adalfl.stacks.objectives import Task, check_batch, check_task, objective
from heliostat_methods.adalfl.stacks.one_hot_pairs import OneHotPairs, is_one_hot
from heliostat_methods.adalfl.stacks.parameters import Unwritten, check_kind, check_rows
from heliostat_methods.adalfl.stacks.rectified_pairs import RectifiedPairs
from heliostat_methods.adalfl.stacks.smooth_pairs import SmoothPairs
from heliostat_search.loss_networks import smooth_leaky_relu
from heliostat_search.loss_networks.shape import LossShape

_Pairs = RectifiedPairs | SmoothPairs | OneHotPairs


class LossNetworkStack:
    """R loss networks with the weights ``phi`` (R, Q) for one task.

    ``phi`` may be assigned or written in place between steps; ``by_weights`` belongs to the last
    ``slopes`` and the weights then, and raises ``RuntimeError`` if these were overwritten since.
    Raises ``ValueError`` for weights or batches that do not fit, and for a task that is none.
    """

    def __init__(self, phi: Tensor, settings: LossShape, task: Task) -> None:
        check_task(task)
        self.settings, self.task = settings, task
        self.phi = phi
        smooth = settings.hidden_activation == "smooth_leaky_relu"
        self._pairs = SmoothPairs(settings.gamma, settings.beta) if smooth else RectifiedPairs()
        self._one_hot = None if smooth or task == "regression" else OneHotPairs()
        self._kept: _Losses | None = None

    @property
    def phi(self) -> Tensor:
        """Return the weights (R, Q)."""
        return self._phi

    @phi.setter
    def phi(self, phi: Tensor) -> None:
        size = self.settings.weights
        if phi.ndim != 2 or phi.shape[1] != size or not len(phi):
            raise ValueError(f"phi: shape {tuple(phi.shape)}; expected (R, {size}), R >= 1")
        check_rows("phi", phi)
        self._phi = phi
        sizes = list(itertools.pairwise(self.settings.widths))
        parts = torch.split(phi.detach(), [j * k for k, j in sizes], 1)
        self._layers = [part.view(-1, j, k) for part, (k, j) in zip(parts, sizes, strict=True)]

    @torch.no_grad()
    def slopes(self, outputs: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
        """Return the losses (R,) and their slopes by the raw outputs (R, B, C), both (R, B, C).

        The loss is the mean over the batch of the sum (or mean) over classes, with the task's own
        loss added where the settings say so. Labels as `label_rows` makes them; outputs and labels
        must stay as they are until ``by_weights``.
        """
        check_batch(outputs, labels)
        R, B, C = outputs.shape
        if len(self._phi) != R:
            raise ValueError(f"outputs: {R} networks; expected {len(self._phi)}, as many as in phi")
        if self.task == "regression" and C != 1:
            raise ValueError(f"outputs: {C} columns; expected 1 for a regression")
        check_kind("outputs", outputs, self._phi)
        check_kind("labels", labels, self._phi)
        # Classes before rows: sums over classes then run along whole vectors of rows.
        raw, y = outputs.mT.contiguous(), labels.mT.contiguous()
        p = raw if self.task == "regression" else raw.sigmoid() if C == 1 else raw.softmax(1)
        pairs: _Pairs = self._pairs
        if self._one_hot is not None and C > 1 and is_one_hot(y):
            pairs = self._one_hot
        z, rise = pairs.forward(self._layers, p, y)
        gamma, beta = self.settings.output_bend
        scale = 1.0 / (B * (C if self.settings.class_reduction == "mean" else 1))
        values = smooth_leaky_relu.value(z, gamma, beta).sum((1, 2)).mul_(scale)
        sigmoid = torch.sigmoid(z * beta)
        # The output's slope, and in the same two operations the mean over the batch.
        steep = (sigmoid * ((1.0 - gamma) * scale)).add_(gamma * scale)
        bend = (1.0 - gamma) * beta * scale
        self._kept = _Losses(p, pairs, sigmoid, steep, bend, rise, Unwritten("phi", self._phi))
        slopes = self._through(p, steep * rise).mT
        if self.settings.add_task_loss:
            own, own_slopes = objective(outputs, labels, self.task)
            values, slopes = values.add_(own), slopes.add_(own_slopes)
        return values, slopes

    @torch.no_grad()
    def by_weights(self, tangent: Tensor) -> Tensor:
        """Return (R, Q), the derivative by phi of <slopes, tangent>; tangent is (R, B, C).

        It stands for a change of the raw outputs of the batch that ``slopes`` saw last.
        """
        kept = self._kept
        if kept is None:
            raise RuntimeError("no batch: call slopes before by_weights")
        kept.phi.check()
        if tangent.shape != kept.p.mT.shape:
            raise ValueError(
                f"tangent: shape {tuple(tangent.shape)}; expected {tuple(kept.p.mT.shape)}"
            )
        check_kind("tangent", tangent, kept.p)
        # The softmax's Jacobian is symmetric: what takes slopes down takes tangents up.
        moved = self._through(kept.p, tangent.mT)
        # The output's second derivative is the bend times s (1 - s).
        c = torch.addcmul(kept.sigmoid, kept.sigmoid, kept.sigmoid, value=-1.0)
        c.mul_(kept.bend).mul_(kept.rise).mul_(moved)
        gradients = kept.pairs.by_weights(c, moved.mul_(kept.steep))
        return torch.cat([gradient.flatten(1) for gradient in gradients], 1)

    def _through(self, p: Tensor, e: Tensor) -> Tensor:
        """Return J e, a fresh (R, C, B), J the derivative of predictions by raw outputs."""
        if self.task == "regression":
            return e.clone()
        if p.shape[1] == 1:
            return e * (p - p * p)
        weighted = p * e
        return weighted.addcmul_(p, weighted.sum(1, keepdim=True), value=-1.0)


class _Losses(NamedTuple):
    """What ``slopes`` leaves behind, (R, C, B) each, and the weights that it saw."""

    p: Tensor
    pairs: _Pairs
    sigmoid: Tensor
    steep: Tensor
    bend: float
    rise: Tensor
    phi: Unwritten
