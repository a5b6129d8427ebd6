"""A loss that is itself a small network of an output and its label.

``M(f, y) = act(W_n h(... h(W_1 (f, y))))`` without biases, applied to every entry, so that one
network fits any number of classes and of rows. What its layers are, ``LossShape`` says: rectifiers
under a softplus are ML3's (Bechtle et al. 2021), under a smooth leaky rectifier AdaLFL's
(arXiv 2301.13247).
"""

from __future__ import annotations

import math
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, fields
from itertools import pairwise
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from heliostat_search.loss_networks.conventions import Task, batch_loss, task_objective
from heliostat_search.loss_networks.shape import LossShape
from heliostat_search.loss_networks.smooth_leaky_relu import SmoothLeakyReLU

Array = npt.NDArray[Any]
DTYPES = {"float32": torch.float32, "float64": torch.float64}
_FIELDS = ("network", "task", "dtype", "shape", "layers")


class LossNetworkError(ValueError):
    """A loss network that cannot be: the message names the part and what was expected."""


class MetaLossNetwork(nn.Module):
    """``loss = network(outputs, targets)``: shapes as in ``batch_loss``.

    ``layers[k]`` is the weight matrix (outputs, inputs) of layer k; the first takes the columns
    output and label, the last gives one number. All are trainable parameters. Raises
    ``LossNetworkError`` for matrices that do not fit together or are not finite.
    """

    def __init__(
        self, layers: Sequence[Tensor], task: Task, shape: LossShape | None = None
    ) -> None:
        super().__init__()
        if task not in ("regression", "classification"):
            raise LossNetworkError(f"task: got {task!r}; expected 'regression' or 'classification'")
        shape = LossShape() if shape is None else shape
        _check([(tuple(layer.shape), bool(layer.isfinite().all())) for layer in layers], shape)
        self.task, self.shape = task, shape
        self.layers = nn.ParameterList(nn.Parameter(layer.detach().clone()) for layer in layers)
        self._hidden = _activation(shape.hidden_activation, shape)
        self._output = _activation(shape.output_activation, shape)

    @classmethod
    def drawn(
        cls,
        task: Task,
        rng: np.random.Generator | torch.Generator,
        shape: LossShape | None = None,
    ) -> Self:
        """Return a network with first weights from ``rng``, in torch's default precision."""
        shape = LossShape() if shape is None else shape
        return cls(drawn_layers(rng, shape.hidden), task, shape)

    @property
    def tasks(self) -> tuple[str, ...]:
        """The kinds of task that the loss can train: the one it was tuned for."""
        return (self.task,)

    @property
    def hidden(self) -> tuple[int, ...]:
        """Widths of the hidden layers."""
        return tuple(int(layer.shape[0]) for layer in self.layers)[:-1]

    @property
    def vector(self) -> Tensor:
        """A copy of all weights, layer by layer, (Q,)."""
        return torch.cat([layer.detach().reshape(-1) for layer in self.layers])

    def load_vector(self, phi: Tensor) -> None:
        """Take over weights (Q,), laid out as in ``vector``.

        Raises ``LossNetworkError`` for another number of weights.
        """
        if phi.shape != (self.shape.weights,):
            raise LossNetworkError(
                f"phi: shape {tuple(phi.shape)}; expected ({self.shape.weights},)"
            )
        at = 0
        with torch.no_grad():
            for layer in self.layers:
                layer.copy_(phi[at : at + layer.numel()].view(layer.shape))
                at += layer.numel()

    def elementwise(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """Return M(f, y) entry by entry; both tensors of one shape."""
        x = torch.stack((outputs, targets), dim=-1).to(self.layers[0])
        *first, last = self.layers
        for layer in first:
            x = self._hidden(x @ layer.T)
        result: Tensor = self._output((x @ last.T).squeeze(-1))
        return result

    def forward(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """Return the scalar loss; raises ``ValueError`` for shapes that do not fit."""
        loss = batch_loss(
            lambda labels, values: self.elementwise(values, labels),
            self.task, outputs, targets, self.shape.class_reduction,
        )  # fmt: skip
        if self.shape.add_task_loss:
            loss = loss + task_objective(self.task, outputs, targets)
        return loss

    def values(self, y: npt.ArrayLike, f: npt.ArrayLike) -> Array:
        """Return M(f, y) for curves, in double precision, in the shape that both broadcast to."""
        labels, outputs = np.broadcast_arrays(np.asarray(y, np.float64), np.asarray(f, np.float64))
        x = np.stack((outputs, labels), axis=-1)
        *first, last = (layer.detach().double().cpu().numpy() for layer in self.layers)
        for layer in first:
            x = _activated(self.shape.hidden_activation, self.shape, x @ layer.T)
        return _activated(self.shape.output_activation, self.shape, (x @ last.T)[..., 0])

    def curve(self, y: float, grid: npt.ArrayLike) -> Array:
        """Return M over a grid of outputs for one label, in the grid's shape."""
        return self.values(y, grid)

    def to_dict(self) -> dict[str, Any]:
        """Return plain data for JSON; every weight survives exactly."""
        shape = asdict(self.shape)
        return {"network": "meta_loss", "task": self.task, "dtype": _dtype_name(self.layers[0]),
                "shape": {**shape, "hidden": list(shape["hidden"])},
                "layers": [layer.detach().cpu().tolist() for layer in self.layers]}  # fmt: skip

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """Read what ``to_dict`` wrote; raises ``LossNetworkError`` for anything else."""
        if not isinstance(data, Mapping) or sorted(map(str, data)) != sorted(_FIELDS):
            raise LossNetworkError(f"expected a mapping with {', '.join(_FIELDS)} and no more")
        if data["network"] != "meta_loss":
            raise LossNetworkError(f"network: got {data['network']!r}; expected 'meta_loss'")
        shape = _read_shape(data["shape"])
        return cls(read_layers(data["layers"], data["dtype"]), data["task"], shape)

    def extra_repr(self) -> str:
        """Return the widths, for ``print(module)``."""
        return f"{'-'.join(map(str, (2, *self.hidden, 1)))}, task={self.task!r}"


def drawn_layers(rng: np.random.Generator | torch.Generator, hidden: Sequence[int]) -> list[Tensor]:
    """Return first weights of layers 2-hidden-1: normal, of variance 2 / inputs."""
    layers = []
    for inputs, outputs in pairwise((2, *hidden, 1)):
        if isinstance(rng, torch.Generator):
            normal = torch.randn((outputs, inputs), generator=rng, dtype=torch.float64)
        else:
            normal = torch.from_numpy(rng.standard_normal((outputs, inputs)))
        # Kaiming: variance 2/inputs keeps that of the signal through a rectifier.
        layers.append((normal * math.sqrt(2.0 / inputs)).to(torch.get_default_dtype()))
    return layers


def read_layers(layers: object, dtype: object) -> list[Tensor]:
    """Return matrices of plain data; raises ``LossNetworkError`` naming what is none."""
    if not isinstance(dtype, str) or dtype not in DTYPES:
        expected = " or ".join(map(repr, DTYPES))
        raise LossNetworkError(f"dtype: got {dtype!r}; expected {expected}")
    if not isinstance(layers, list) or not layers:
        raise LossNetworkError("layers: expected a list of matrices")
    for k, layer in enumerate(layers):
        if not _is_matrix(layer):
            raise LossNetworkError(f"layers[{k}]: expected rows of as many numbers each")
    return [torch.tensor(layer, dtype=DTYPES[dtype]) for layer in layers]


def _read_shape(data: object) -> LossShape:
    settings = [field.name for field in fields(LossShape)]
    if not isinstance(data, Mapping) or sorted(map(str, data)) != sorted(settings):
        raise LossNetworkError(f"shape: expected a mapping with {', '.join(settings)} and no more")
    if not isinstance(data["hidden"], list):
        raise LossNetworkError(f"shape: hidden: got {data['hidden']!r}; expected a list of widths")
    for name in ("gamma", "beta"):
        if not _is_number(data[name]):
            raise LossNetworkError(f"shape: {name}: got {data[name]!r}; expected a number")
    try:
        return LossShape(**{**data, "hidden": tuple(data["hidden"])})
    except ValueError as error:
        raise LossNetworkError(f"shape: {error}") from None


def _dtype_name(tensor: Tensor) -> str:
    return str(tensor.dtype).removeprefix("torch.")


def _activation(name: str, shape: LossShape) -> nn.Module:
    if name == "relu":
        return nn.ReLU()
    if name == "softplus":
        return nn.Softplus()
    return SmoothLeakyReLU(shape.gamma, shape.beta)


def _activated(name: str, shape: LossShape, x: Array) -> Array:
    result: Array
    if name == "relu":
        result = np.maximum(x, 0.0)
    elif name == "softplus":
        result = np.logaddexp(0.0, x)
    else:
        result = (
            shape.gamma * x + (1 - shape.gamma) * np.logaddexp(0.0, shape.beta * x) / shape.beta
        )
    return result


def _check(layers: Sequence[tuple[tuple[int, ...], bool]], shape: LossShape) -> None:
    if len(layers) < 2:
        raise LossNetworkError(f"layers: got {len(layers)}; expected at least 2")
    widths = (2, *shape.hidden, 1)
    if len(layers) != len(widths) - 1:
        raise LossNetworkError(f"layers: got {len(layers)}; expected {len(widths) - 1}")
    for k, ((found, finite), inputs, outputs) in enumerate(
        zip(layers, widths, widths[1:], strict=False)
    ):
        if found != (outputs, inputs):
            raise LossNetworkError(f"layers[{k}]: shape {found}; expected ({outputs}, {inputs})")
        if not finite:
            raise LossNetworkError(f"layers[{k}]: expected finite numbers")


def _is_matrix(rows: object) -> bool:
    return (
        isinstance(rows, list)
        and bool(rows)
        and all(isinstance(row, list) and row and len(row) == len(rows[0]) for row in rows)
        and all(_is_number(x) for row in rows for x in row)
    )


def _is_number(x: object) -> bool:
    if isinstance(x, bool) or not isinstance(x, int | float):
        return False
    # a whole number of JSON may be one that no float holds
    return isinstance(x, float) or abs(x) <= sys.float_info.max
