"""Weights of a module as safetensors bytes, and back: plain arrays by name, no code."""

from __future__ import annotations

from safetensors import SafetensorError
from safetensors.torch import load as read
from safetensors.torch import save as written
from torch import nn

from heliostat.errors import DataError, did_you_mean


def save(module: nn.Module) -> bytes:
    """Return parameters and buffers by their names."""
    # Parameters under training are views of one buffer, which the format refuses.
    return written({
        name: value.detach().cpu().contiguous().clone()
        for name, value in module.state_dict().items()
    })  # fmt: skip


def load(module: nn.Module, data: bytes) -> None:
    """Put saved weights into a module of the same shape.

    Raises DataError for bytes that are no safetensors, and for names or shapes that differ.
    """
    try:
        found = read(data)
    except SafetensorError as error:
        raise DataError(f"weights: not safetensors ({error})") from None
    own = module.state_dict()
    for name in (*own, *found):
        if name not in found:
            raise DataError(f"weights: {name!r} is missing; {did_you_mean(name, found)}")
        if name not in own:
            raise DataError(f"weights: {name!r} is not of this network; {did_you_mean(name, own)}")
        if found[name].shape != own[name].shape:
            raise DataError(
                f"weights: {name!r} is {tuple(found[name].shape)}, "
                f"this network's {tuple(own[name].shape)}"
            )
    module.load_state_dict(found)
