"""Modules and optimisers as plain arrays by name, and back, bit for bit."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

Array = NDArray[Any]


def module_arrays(module: nn.Module) -> dict[str, Array]:
    """Return copies of a module's numbers by name."""
    return {name: _array(value) for name, value in module.state_dict().items()}


def load_module(module: nn.Module, arrays: Mapping[str, Array], name: str) -> None:
    """Set a module's numbers; raises ``ValueError`` naming what is missing, left or misshapen."""
    own = module.state_dict()
    for key in sorted(set(own) ^ set(arrays)):
        raise ValueError(f"state: {name}.{key} is in only one of the state and the networks")
    for key, value in own.items():
        if tuple(value.shape) != arrays[key].shape:
            raise ValueError(
                f"state: {name}.{key} has shape {arrays[key].shape}, expected {tuple(value.shape)}"
            )
    module.load_state_dict({key: _tensor(value) for key, value in arrays.items()})


def optimiser_arrays(optimiser: torch.optim.Optimizer) -> dict[str, Array]:
    """Return copies of an optimiser's moments, named ``place.moment``."""
    kept = optimiser.state_dict()["state"]
    return {
        f"{place}.{name}": _array(value)
        for place, values in kept.items()
        for name, value in values.items()
        if isinstance(value, Tensor)
    }


def load_optimiser(optimiser: torch.optim.Optimizer, arrays: Mapping[str, Array]) -> None:
    """Set an optimiser's moments; parameters without any begin anew."""
    kept: dict[int, dict[str, Tensor]] = {}
    for key, value in arrays.items():
        place, name = key.split(".", 1)
        kept.setdefault(int(place), {})[name] = _tensor(value)
    optimiser.load_state_dict({**optimiser.state_dict(), "state": kept})


def below(state: Mapping[str, Any], prefix: str) -> dict[str, Array]:
    """Return the arrays whose names begin with ``prefix/``, without it."""
    cut = len(prefix) + 1
    return {key[cut:]: value for key, value in state.items() if key.startswith(prefix + "/")}


def _array(tensor: Tensor) -> Array:
    found: Array = tensor.detach().cpu().contiguous().numpy().copy()
    return found


def _tensor(array: Array) -> Tensor:
    # a copy of torch's own: arrays that were read from a file may lie anywhere
    return torch.from_numpy(np.array(array)).clone()
