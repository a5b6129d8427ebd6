"""Which sides of a picture a network takes: two halvings must be whole."""

from __future__ import annotations

LEAST = 16
MULTIPLE = 4


def check_image_size(side: int, name: str = "image_size") -> None:
    """Raise ``ValueError`` with the nearest valid sides unless a side is a multiple of 4 from 16.

    ``side``: pixels.
    """
    if side >= LEAST and side % MULTIPLE == 0:
        return
    below = max(LEAST, side // MULTIPLE * MULTIPLE)
    above = max(LEAST, -(-side // MULTIPLE) * MULTIPLE)
    near = " and ".join(str(one) for one in sorted({below, above}))
    raise ValueError(
        f"{name} must be a multiple of {MULTIPLE} and at least {LEAST}, got {side}; "
        f"nearest valid: {near}"
    )


def check_images(x_shape: tuple[int, ...], channels: int) -> None:
    """Raise ``ValueError`` unless a shape is (N, channels, H, W) with valid sides."""
    if len(x_shape) != 4 or x_shape[1] != channels:
        raise ValueError(f"x must have shape (N, {channels}, H, W), got {tuple(x_shape)}")
    for name, side in (("height", x_shape[2]), ("width", x_shape[3])):
        check_image_size(side, name)
