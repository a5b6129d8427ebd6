"""R dense ReLU networks of one shape side by side: forward, J^T e and J v without autograd.

``widths = (inputs, hidden..., outputs)``; two entries are a linear model. A network's parameters
are one row of ``theta`` (R, P): for each layer the matrix (out, in) row by row, then the bias
(out). R networks, B rows of a batch, d inputs, C outputs.
"""

import itertools
from collections.abc import Sequence

import torch
from torch import Tensor

from heliostat_methods.adalfl.stacks.parameters import Unwritten, check_kind, check_rows
from heliostat_methods.adalfl.stacks.rooms import Rooms

_masked = torch.ops.aten.threshold_backward.grad_input
_SMALL = 4096
"""Numbers of one matrix from which it is multiplied into its place."""
_PORTION = 1 << 22
"""Most activations of one layer that `evaluate` holds at once."""


def parameter_count(widths: Sequence[int]) -> int:
    """Return the number of parameters of one network."""
    return sum((k + 1) * j for k, j in itertools.pairwise(widths))


class DenseStack:
    """R dense networks with the parameters ``theta`` (R, P).

    ``theta`` may be assigned or written in place at any time; the next ``forward`` uses it as it is
    then. ``pull`` and ``push`` belong to the last ``forward``: its batch, its activations and its
    parameters, which are referred to and not copied. So a training step assigns the new parameters
    and still pushes through the old ones; had the old ones been overwritten in place, both raise
    ``RuntimeError``.

    Raises ``ValueError`` for widths below two layers or below 1, and for parameters or batches that
    do not fit.
    """

    def __init__(self, widths: Sequence[int], theta: Tensor) -> None:
        self.widths = tuple(int(w) for w in widths)
        if len(self.widths) < 2 or min(self.widths) < 1:
            raise ValueError(
                f"widths: got {self.widths}; expected (inputs, hidden..., outputs), all >= 1"
            )
        self.theta = theta
        self._kept: _Pass | None = None
        self._rooms = Rooms()
        self._gradient: Tensor | None = None
        self._views: list[tuple[Tensor, Tensor]] = []

    @property
    def theta(self) -> Tensor:
        """Return the parameters (R, P)."""
        return self._theta

    @theta.setter
    def theta(self, theta: Tensor) -> None:
        size = parameter_count(self.widths)
        if theta.ndim != 2 or theta.shape[1] != size or not len(theta):
            raise ValueError(f"theta: shape {tuple(theta.shape)}; expected (R, {size}), R >= 1")
        check_rows("theta", theta)
        self._theta = theta
        self._layers = layer_views(theta.detach(), self.widths)

    @torch.no_grad()
    def forward(self, x: Tensor) -> Tensor:
        """Return the raw outputs (R, B, C) for a batch (R, B, d), which must stay as it is."""
        shape = (len(self._theta), self.widths[0])
        if x.ndim != 3 or (x.shape[0], x.shape[2]) != shape or not x.shape[1]:
            raise ValueError(
                f"x: shape {tuple(x.shape)}; expected ({shape[0]}, B, {shape[1]}), B >= 1"
            )
        check_kind("x", x, self._theta)
        activations = [x]
        for k, (matrix, bias) in enumerate(self._layers[:-1]):
            room = self._rooms.get(f"activation {k}", (*x.shape[:2], matrix.shape[1]), x)
            # Adding the biases apart would pass through the activations once more.
            h = torch.baddbmm(bias.unsqueeze(1), activations[-1], matrix.mT, out=room)
            activations.append(h.relu_())
        self._kept = _Pass(self._layers, activations, Unwritten("theta", self._theta))
        return _outputs(self._layers[-1], activations[-1])

    @torch.no_grad()
    def pull(self, slopes: Tensor) -> Tensor:
        """Return J^T e (R, P) for slopes e (R, B, C); it holds until the next ``pull``."""
        kept = self._last()
        shape = (*kept.activations[0].shape[:2], self.widths[-1])
        if slopes.shape != shape:
            raise ValueError(f"slopes: shape {tuple(slopes.shape)}; expected {shape}")
        check_kind("slopes", slopes, kept.theta.tensor)
        gradient, views = self._gradient_views(kept.theta.tensor)
        e = slopes
        for at in range(len(views) - 1, -1, -1):
            h, (matrix, _) = kept.activations[at], kept.layers[at]
            self._product(e.mT, h, views[at][0])
            torch.sum(e, 1, out=views[at][1])
            if at:
                e = torch.bmm(e, matrix, out=self._rooms.get(f"slope {at}", h.shape, h))
                _masked(e, h, 0.0, grad_input=e)
        return gradient

    @torch.no_grad()
    def push(self, change: Tensor) -> Tensor:
        """Return J v (R, B, C) for a change v (R, P) of the parameters."""
        kept = self._last()
        size = kept.theta.tensor.shape
        if change.shape != size:
            raise ValueError(f"change: shape {tuple(change.shape)}; expected {tuple(size)}")
        check_kind("change", change, kept.theta.tensor)
        check_rows("change", change)
        changes = layer_views(change, self.widths)
        last = len(changes) - 1
        moved: Tensor | None = None
        for at, (layer, (matrix, _)) in enumerate(zip(changes, kept.layers, strict=True)):
            h = kept.activations[at]
            if at == last:
                outputs = _outputs(layer, h).mT
                return (outputs if moved is None else outputs.baddbmm_(matrix, moved.mT)).mT
            after = kept.activations[at + 1]
            room = self._rooms.get(f"slope {at + 1}", after.shape, after)
            t = torch.baddbmm(layer[1].unsqueeze(1), h, layer[0].mT, out=room)
            if moved is not None:
                t.baddbmm_(moved, matrix.mT)
            moved = _masked(t, after, 0.0, grad_input=t)
        raise AssertionError("a network has at least one layer")

    @torch.no_grad()
    def evaluate(self, x: Tensor) -> Tensor:
        """Return the raw outputs (R, n, C) for one batch (n, d) that all networks share.

        Works on portions of the rows and leaves alone what ``pull`` and ``push`` refer to.
        """
        if x.ndim != 2 or x.shape[1] != self.widths[0]:
            raise ValueError(f"x: shape {tuple(x.shape)}; expected (n, {self.widths[0]})")
        check_kind("x", x, self._theta)
        R = len(self._theta)
        results = x.new_empty(R, len(x), self.widths[-1])
        rows = max(1, _PORTION // (R * max(self.widths)))
        for at in range(0, len(x), rows):
            h = x[at : at + rows].expand(R, -1, -1)
            for matrix, bias in self._layers[:-1]:
                h = torch.baddbmm(bias.unsqueeze(1), h, matrix.mT).relu_()
            results[:, at : at + rows] = _outputs(self._layers[-1], h)
        return results

    def _last(self) -> "_Pass":
        if self._kept is None:
            raise RuntimeError("no batch: call forward before pull and push")
        self._kept.theta.check()
        return self._kept

    @staticmethod
    def _product(a: Tensor, b: Tensor, out: Tensor) -> None:
        # Into a view with gaps torch multiplies network by network; a small matrix is made in one
        # go and copied sooner.
        if out.is_contiguous() or out[0].numel() >= _SMALL:
            torch.bmm(a, b, out=out)
        else:
            out.copy_(torch.bmm(a, b))

    def _gradient_views(self, theta: Tensor) -> tuple[Tensor, list[tuple[Tensor, Tensor]]]:
        gradient = self._rooms.get("gradient", theta.shape, theta)
        if gradient is not self._gradient:
            self._gradient, self._views = gradient, layer_views(gradient, self.widths)
        return gradient, self._views


class _Pass:
    """What ``forward`` leaves behind: layers, the input of each, and the parameters."""

    def __init__(
        self,
        layers: list[tuple[Tensor, Tensor]],
        activations: list[Tensor],
        theta: Unwritten,
    ) -> None:
        self.layers = layers
        self.activations = activations
        self.theta = theta


def layer_views(theta: Tensor, widths: Sequence[int]) -> list[tuple[Tensor, Tensor]]:
    """Return each layer's (matrix (R, out, in), bias (R, out)) as views into (R, P)."""
    layers, at = [], 0
    for k, j in itertools.pairwise(widths):
        matrix = theta[:, at : at + j * k].view(-1, j, k)
        layers.append((matrix, theta[:, at + j * k : at + j * (k + 1)]))
        at += j * (k + 1)
    return layers


def _outputs(layer: tuple[Tensor, Tensor], h: Tensor) -> Tensor:
    # Classes before rows in memory, as the losses want them: few classes make short vectors.
    return torch.baddbmm(layer[1].unsqueeze(2), layer[0], h.mT).mT
