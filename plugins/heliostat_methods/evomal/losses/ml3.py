"""ML3, the supervised form: a loss that is itself a small network of prediction and label.

``m(y, f) = softplus(W3 relu(W2 relu(W1 (f, y))))``, layers 2-50-50-1 without biases and with
weights from N(0, 2/inputs) (Bechtle et al. 2021; sizes and start as in EvoMAL's comparison). There
is no structure to search for: its weights are what local search tunes. Like a tree it is applied to
every entry, so a learned one fits any number of classes.
"""

import math
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from heliostat_methods.evomal.losses.primitives import LossExpressionError
from heliostat_methods.evomal.losses.torch_loss import task_loss
from heliostat_methods.evomal.losses.tree import Task

Array = npt.NDArray[Any]
HIDDEN = (50, 50)
"""Widths of the method's hidden layers; any others are another loss network."""
_DTYPES = {"float32": torch.float32, "float64": torch.float64}
_LARGEST_WIDTH = 10_000


class LossNetwork(nn.Module):
    """``loss = network(outputs, targets)`` with the conventions of ``TorchLoss``.

    ``layers[k]`` is the weight matrix (outputs, inputs) of layer k; the first takes the columns
    prediction and label, the last gives one number. All are trainable parameters. Raises
    ``LossExpressionError`` for matrices that do not fit together or are not finite.
    """

    def __init__(self, layers: Sequence[Tensor], task: Task) -> None:
        super().__init__()
        if task not in ("regression", "classification"):
            raise LossExpressionError(
                f"task: got {task!r}; expected 'regression' or 'classification'"
            )
        _check([(tuple(layer.shape), bool(layer.isfinite().all())) for layer in layers])
        self.task = task
        self.layers = nn.ParameterList(nn.Parameter(layer.detach().clone()) for layer in layers)

    @classmethod
    def drawn(
        cls,
        task: Task,
        rng: np.random.Generator | torch.Generator,
        hidden: Sequence[int] = HIDDEN,
    ) -> "LossNetwork":
        """Return a network with first weights from ``rng``, in torch's default precision.

        ``hidden``: widths of the hidden layers, at least one; the method's are ``HIDDEN``.
        """
        if not hidden or not all(1 <= width <= _LARGEST_WIDTH for width in hidden):
            raise LossExpressionError(
                f"hidden: got {list(hidden)}; expected widths from 1 to {_LARGEST_WIDTH}"
            )
        widths = (2, *hidden, 1)
        layers = []
        for inputs, outputs in pairwise(widths):
            if isinstance(rng, torch.Generator):
                normal = torch.randn((outputs, inputs), generator=rng, dtype=torch.float64)
            else:
                normal = torch.from_numpy(rng.standard_normal((outputs, inputs)))
            # Kaiming: variance 2/inputs keeps that of the signal through a rectifier.
            layers.append((normal * math.sqrt(2.0 / inputs)).to(torch.get_default_dtype()))
        return cls(layers, task)

    @property
    def tasks(self) -> tuple[str, ...]:
        """The kinds of task that the loss can train: the one it was tuned for."""
        return (self.task,)

    @property
    def hidden(self) -> tuple[int, ...]:
        """Widths of the hidden layers."""
        return tuple(int(layer.shape[0]) for layer in self.layers)[:-1]

    def elementwise(self, targets: Tensor, outputs: Tensor) -> Tensor:
        """Return m(y, f) entry by entry; both tensors of one shape."""
        x = torch.stack((outputs, targets), dim=-1).to(self.layers[0])
        *first, last = self.layers
        for layer in first:
            x = (x @ layer.T).relu()
        result: Tensor = nn.functional.softplus((x @ last.T).squeeze(-1))
        return result

    def forward(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """Return the scalar loss; raises ``ValueError`` for shapes that do not fit."""
        return task_loss(self.elementwise, self.task, outputs, targets)

    def values(self, y: npt.ArrayLike, f: npt.ArrayLike) -> Array:
        """Return m(y, f) for curves, in double precision, in the shape that both broadcast to."""
        labels, outputs = np.broadcast_arrays(np.asarray(y, np.float64), np.asarray(f, np.float64))
        x = np.stack((outputs, labels), axis=-1)
        *first, last = (layer.detach().double().cpu().numpy() for layer in self.layers)
        for layer in first:
            x = np.maximum(x @ layer.T, 0.0)
        result: Array = np.logaddexp(0.0, (x @ last.T)[..., 0])
        return result

    def to_dict(self) -> dict[str, Any]:
        """Return plain data for JSON; every weight survives exactly."""
        dtype = str(self.layers[0].dtype).removeprefix("torch.")
        layers = [layer.detach().cpu().tolist() for layer in self.layers]
        return {"network": "ml3", "task": self.task, "dtype": dtype, "layers": layers}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> "LossNetwork":
        """Read what ``to_dict`` wrote; raises ``LossExpressionError`` for anything else."""
        fields = ("network", "task", "dtype", "layers")
        if not isinstance(data, Mapping) or sorted(map(str, data)) != sorted(fields):
            raise LossExpressionError(f"expected a mapping with {', '.join(fields)} and no more")
        if data["network"] != "ml3":
            raise LossExpressionError(f"network: got {data['network']!r}; expected 'ml3'")
        if data["dtype"] not in _DTYPES:
            expected = " or ".join(map(repr, _DTYPES))
            raise LossExpressionError(f"dtype: got {data['dtype']!r}; expected {expected}")
        layers = data["layers"]
        if not isinstance(layers, list) or not layers:
            raise LossExpressionError("layers: expected a list of matrices")
        for k, layer in enumerate(layers):
            if not _is_matrix(layer):
                raise LossExpressionError(f"layers[{k}]: expected rows of as many numbers each")
        dtype = _DTYPES[data["dtype"]]
        return cls([torch.tensor(layer, dtype=dtype) for layer in layers], data["task"])

    def extra_repr(self) -> str:
        """Return the widths, for ``print(module)``."""
        return f"{'-'.join(map(str, (2, *self.hidden, 1)))}, task={self.task!r}"


def _check(layers: Sequence[tuple[tuple[int, ...], bool]]) -> None:
    if len(layers) < 2:
        raise LossExpressionError(f"layers: got {len(layers)}; expected at least 2")
    inputs = 2
    for k, (shape, finite) in enumerate(layers):
        rows = "1" if k == len(layers) - 1 else "outputs"
        if len(shape) != 2 or shape[1] != inputs or not 1 <= shape[0] <= _LARGEST_WIDTH:
            raise LossExpressionError(f"layers[{k}]: shape {shape}; expected ({rows}, {inputs})")
        if not finite:
            raise LossExpressionError(f"layers[{k}]: expected finite numbers")
        inputs = shape[0]
    if inputs != 1:
        raise LossExpressionError(f"layers[{len(layers) - 1}]: {inputs} rows; expected 1")


def _is_matrix(rows: object) -> bool:
    return (
        isinstance(rows, list)
        and bool(rows)
        and all(isinstance(row, list) and row and len(row) == len(rows[0]) for row in rows)
        and all(isinstance(x, int | float) and not isinstance(x, bool) for row in rows for x in row)
    )
