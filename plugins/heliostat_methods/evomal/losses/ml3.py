"""ML3, the supervised form: a loss that is itself a small network of prediction and label.

``m(y, f) = softplus(W3 relu(W2 relu(W1 (f, y))))``, layers 2-50-50-1 without biases and with
weights from N(0, 2/inputs) (Bechtle et al. 2021; sizes and start as in EvoMAL's comparison). There
is no structure to search for: its weights are what local search tunes. Like a tree it is applied to
every entry, so a learned one fits any number of classes.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Self

import numpy as np
import torch
from torch import Tensor

from heliostat_methods.evomal.losses.error import LossExpressionError
from heliostat_methods.evomal.losses.tree import Task
from heliostat_search.loss_networks.network import (
    LossNetworkError,
    MetaLossNetwork,
    drawn_layers,
    read_layers,
)
from heliostat_search.loss_networks.shape import LossShape

HIDDEN = (50, 50)
"""Widths of the method's hidden layers; any others are another loss network."""
_FIELDS = ("network", "task", "dtype", "layers")


class LossNetwork(MetaLossNetwork):
    """A loss network of ML3's kind, ``loss = network(outputs, targets)`` as ``TorchLoss``.

    ``layers[k]`` is the weight matrix (outputs, inputs) of layer k. Raises ``LossExpressionError``
    for matrices that do not fit together or are not finite.
    """

    def __init__(self, layers: Sequence[Tensor], task: Task) -> None:
        try:
            super().__init__(layers, task, _shape(tuple(len(layer) for layer in layers)[:-1]))
        except LossNetworkError as error:
            raise LossExpressionError(str(error)) from None

    @classmethod
    def drawn(
        cls,
        task: Task,
        rng: np.random.Generator | torch.Generator,
        hidden: Sequence[int] | LossShape | None = None,
    ) -> Self:
        """Return a network with first weights from ``rng``, in torch's default precision.

        ``hidden``: widths of the hidden layers, at least one; the method's are ``HIDDEN``.
        """
        if isinstance(hidden, LossShape):
            hidden = hidden.hidden
        shape = _shape(HIDDEN if hidden is None else tuple(hidden))
        return cls(drawn_layers(rng, shape.hidden), task)

    def to_dict(self) -> dict[str, Any]:
        """Return plain data for JSON; every weight survives exactly."""
        kept = super().to_dict()
        return {**{name: kept[name] for name in _FIELDS}, "network": "ml3"}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """Read what ``to_dict`` wrote; raises ``LossExpressionError`` for anything else."""
        if not isinstance(data, Mapping) or sorted(map(str, data)) != sorted(_FIELDS):
            raise LossExpressionError(f"expected a mapping with {', '.join(_FIELDS)} and no more")
        if data["network"] != "ml3":
            raise LossExpressionError(f"network: got {data['network']!r}; expected 'ml3'")
        try:
            return cls(read_layers(data["layers"], data["dtype"]), data["task"])
        except LossNetworkError as error:
            raise LossExpressionError(str(error)) from None


def stored_network(data: Mapping[str, Any]) -> MetaLossNetwork:
    """Return a loss network of plain data, ML3's or another; raises ``LossExpressionError``."""
    if data.get("network") == "ml3":
        return LossNetwork.from_dict(data)
    try:
        return MetaLossNetwork.from_dict(data)
    except LossNetworkError as error:
        raise LossExpressionError(str(error)) from None


def _shape(hidden: tuple[int, ...]) -> LossShape:
    try:
        return LossShape(hidden=hidden, output_activation="softplus")
    except ValueError as error:
        raise LossExpressionError(str(error)) from None
