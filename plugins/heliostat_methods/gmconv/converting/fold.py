"""A trained model without masks: every masked kernel becomes the weight of a plain convolution.

The folded model gives the same output to the bit, and costs what the plain model costs.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass

from torch import nn

from heliostat_methods.gmconv.converting.convert import replaced
from heliostat_methods.gmconv.layers.dynamic import DynamicGMConv2d
from heliostat_methods.gmconv.layers.static import MaskedConvolution


@dataclass(frozen=True)
class Folding:
    """The folded copy, names of layers that are plain now, and of dynamic ones that were left."""

    model: nn.Module
    folded: tuple[str, ...]
    left: tuple[str, ...]


def fold_gmconv(model: nn.Module, skip_dynamic: bool = False) -> Folding:
    """Return a copy of a model with plain convolutions in place of masked ones.

    A dynamic layer has no kernel that could be folded: it is refused, or with ``skip_dynamic`` left
    as it is and listed. Raises ``ValueError`` for such a layer, and for a sigma that is NaN.
    """
    left = tuple(
        name for name, layer in model.named_modules() if isinstance(layer, DynamicGMConv2d)
    )
    if left and not skip_dynamic:
        names = ", ".join(name or "the model" for name in left)
        raise ValueError(
            f"skip_dynamic must be True to leave dynamic layers as they are, got {skip_dynamic!r}: "
            f"the input says the mask of {names}"
        )
    copied = copy.deepcopy(model)
    made: dict[nn.Module, nn.Module] = {}
    folded: list[str] = []
    for name, layer in copied.named_modules():
        if isinstance(layer, MaskedConvolution):
            try:
                made[layer] = layer.folded()
            except ValueError as error:
                raise ValueError(f"{name or 'the model'}: {error}") from error
            folded.append(name)
    return Folding(replaced(copied, made), tuple(folded), left)
