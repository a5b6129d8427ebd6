"""Mean absolute differences of pictures (N, C, H, W): there and back, unchanged, drawn truly."""

from __future__ import annotations

from torch import Tensor

from heliostat_methods.strokegan.losses.shapes import check_alike


def cycle_loss(rebuilt: Tensor, original: Tensor) -> Tensor:
    """Return mean|F(G(a)) - a|, one direction of the cycle loss."""
    check_alike(rebuilt, original, ("rebuilt", "original"))
    return (rebuilt - original).abs().mean()


def identity_loss(made: Tensor, given: Tensor) -> Tensor:
    """Return mean|G(b) - b| for a picture that is already of the target font."""
    check_alike(made, given, ("made", "given"))
    return (made - given).abs().mean()


def pair_loss(made: Tensor, truth: Tensor) -> Tensor:
    """Return mean|G(a) - b| for a pair of one character: few-shot supervision (StrokeGAN+)."""
    check_alike(made, truth, ("made", "truth"))
    return (made - truth).abs().mean()
