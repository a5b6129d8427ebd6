"""First weights: normal with deviation 0.02, biases 0, as the authors' code has them."""

from __future__ import annotations

import torch
from torch import nn

DEVIATION = 0.02
_WEIGHTED = (nn.Conv2d, nn.ConvTranspose2d, nn.Linear, nn.Embedding)


def draw_weights(module: nn.Module, generator: torch.Generator | None = None) -> None:
    """Set weights of convolutions, linear layers and embeddings to N(0, 0.02), biases to 0.

    ``generator``: of the CPU; torch's own without one.
    """
    for part in module.modules():
        if isinstance(part, _WEIGHTED):
            with torch.no_grad():
                part.weight.normal_(0.0, DEVIATION, generator=generator)
                if getattr(part, "bias", None) is not None:
                    part.bias.zero_()  # type: ignore[operator, union-attr]
