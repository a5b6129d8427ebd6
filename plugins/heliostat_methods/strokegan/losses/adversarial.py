"""What a patch map is worth: least squares (LSGAN), or the cross entropy of its logits."""

from __future__ import annotations

from typing import Literal, get_args

import torch
from torch import Tensor
from torch.nn import functional

Adversarial = Literal["lsgan", "vanilla"]
ADVERSARIAL: tuple[Adversarial, ...] = get_args(Adversarial)


def judged_as(patch: Tensor, real: bool, kind: Adversarial = "lsgan") -> Tensor:
    """Return how far a patch map (N, 1, p, p) is from saying real, or fake, everywhere.

    ``lsgan``: mean((patch - 1)^2) or mean(patch^2), the authors' default; ``vanilla``: binary
    cross entropy of logits. Raises ``ValueError`` for another kind.
    """
    if kind not in ADVERSARIAL:
        raise ValueError(f"adversarial must be one of {', '.join(ADVERSARIAL)}, got {kind!r}")
    if kind == "lsgan":
        return (patch - float(real)).square().mean()
    wanted = torch.full_like(patch, float(real))
    return functional.binary_cross_entropy_with_logits(patch, wanted)


def discriminator_loss(real: Tensor, fake: Tensor, kind: Adversarial = "lsgan") -> Tensor:
    """Return half the sum of both errors, from patch maps of real and of generated pictures."""
    return 0.5 * (judged_as(real, True, kind) + judged_as(fake, False, kind))
