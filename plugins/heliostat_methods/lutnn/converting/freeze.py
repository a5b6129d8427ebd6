"""A trained model with its lookups frozen: int8 tables and centroids, no weights."""

from __future__ import annotations

import copy
from typing import Any

from torch import nn

from heliostat_methods.lutnn.converting.calibration import batches_of, seen_by_layers
from heliostat_methods.lutnn.converting.convert import replaced
from heliostat_methods.lutnn.kernels.packing import Search
from heliostat_methods.lutnn.layers.convolution import LutConv2d
from heliostat_methods.lutnn.layers.linear import LutLinear


def freeze_lut(model: nn.Module, *, search: Search = "float", calibration: Any = None) -> nn.Module:
    """Return a copy of a model, in evaluation mode, with frozen layers in place of trained ones.

    ``search="int8"`` compares inputs with centroids in integers, and takes the size of inputs from
    ``calibration``, given as to `convert_lut`. Raises ValueError where that is missing, naming it,
    and where a layer's centroids were never set.
    """
    copied = copy.deepcopy(model).eval()
    layers = {n: m for n, m in copied.named_modules() if isinstance(m, LutLinear | LutConv2d)}
    steps: dict[str, float | None] = dict.fromkeys(layers)
    if search == "int8" and layers:
        if calibration is None:
            raise ValueError("calibration: None, expected inputs of the model for search='int8'")
        rows = {name: layer.rows for name, layer in layers.items()}
        seen = seen_by_layers(copied, rows, batches_of(calibration), 1, 0)
        steps = {n: one.largest / 127 if one.largest > 0 else 1.0 for n, one in seen.items()}
    made: dict[nn.Module, nn.Module] = {}
    for name, layer in layers.items():
        try:
            made[layer] = layer.freeze(search, steps[name]).eval()
        except ValueError as error:
            raise type(error)(f"{name or 'the model'}: {error}") from None
    return replaced(copied, made)
