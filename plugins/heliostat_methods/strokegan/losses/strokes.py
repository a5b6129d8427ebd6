"""How far a stroke head's logits are from a character's code."""

from __future__ import annotations

from typing import Literal, get_args

from torch import Tensor
from torch.nn import functional

from heliostat_methods.strokegan.losses.shapes import check_alike

StrokeLoss = Literal["bce", "mse", "released"]
STROKE_LOSSES: tuple[StrokeLoss, ...] = get_args(StrokeLoss)


def stroke_loss(logits: Tensor, codes: Tensor, kind: StrokeLoss = "bce") -> Tensor:
    """Return the mean over all elements; ``logits`` and ``codes`` are (N, 32), codes 0..1.

    ``bce``: binary cross entropy of logits (ours: it reads held-out characters better);
    ``mse``: mean((logits - codes)^2), the authors', without a sigmoid; ``released``: see
    `released_stroke_loss`. Raises ``ValueError`` for another kind, and for shapes that differ.
    """
    if kind not in STROKE_LOSSES:
        raise ValueError(f"stroke_loss must be one of {', '.join(STROKE_LOSSES)}, got {kind!r}")
    if logits.dim() != 2:
        raise ValueError(f"logits must have shape (N, strokes), got {tuple(logits.shape)}")
    check_alike(logits, codes, ("logits", "codes"))
    if kind == "released":
        return released_stroke_loss(logits, codes)
    if kind == "mse":
        return (logits - codes).square().mean()
    return functional.binary_cross_entropy_with_logits(logits, codes)


def released_stroke_loss(logits: Tensor, codes: Tensor) -> Tensor:
    """Return what the released StrokeGAN computes: (N, 32, 1, 1) broadcast against (N, 32).

    Every logit is compared with every label of the batch, so the best is one constant, the mean of
    all labels, and the head learns nothing. For the record only.
    """
    return (logits[:, :, None, None] - codes[None, None]).square().mean()
