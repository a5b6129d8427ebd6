"""Two tensors of one shape, or a refusal: a loss that broadcasts is a wrong loss."""

from __future__ import annotations

from torch import Tensor


def check_alike(left: Tensor, right: Tensor, names: tuple[str, str]) -> None:
    """Raise ``ValueError`` unless both have one shape with at least one element."""
    if left.shape != right.shape:
        raise ValueError(
            f"{names[0]} has shape {tuple(left.shape)}, {names[1]} {tuple(right.shape)}; expected "
            "one shape (they would be broadcast)"
        )
    if not left.numel():
        raise ValueError(f"{names[0]}: shape {tuple(left.shape)}, expected at least one element")
