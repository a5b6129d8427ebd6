"""zi2zi's further terms: the code of a picture stays, and its font is told."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional

from heliostat_methods.strokegan.losses.shapes import check_alike


def constancy_loss(made: Tensor, given: Tensor) -> Tensor:
    """Return the mean square of enc(G(a)) - enc(a), codes (N, C, s, s) of the encoder."""
    check_alike(made, given, ("made", "given"))
    return (made - given).square().mean()


def category_loss(logits: Tensor, fonts: Tensor) -> Tensor:
    """Return the cross entropy of logits (N, K) against numbers of fonts (N,).

    It is 0 for one font.
    """
    if logits.dim() != 2 or fonts.shape != logits.shape[:1]:
        raise ValueError(
            f"logits have shape {tuple(logits.shape)}, fonts {tuple(fonts.shape)}; expected (N, K) "
            "and (N,)"
        )
    return functional.cross_entropy(logits, fonts)
