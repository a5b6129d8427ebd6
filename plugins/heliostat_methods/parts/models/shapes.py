"""What a network takes: the shape of an image, flattened or not, and at least one output."""

from __future__ import annotations

import math

from heliostat.errors import ConfigError


def image_shape(model: str, input_shape: tuple[int, ...], least: int) -> tuple[int, int, int]:
    """Return samples' shape as (channels, height, width).

    Takes (channels, height, width), grey (height, width), and flattened square images of one or
    three channels, one channel after the other; n pixels are never both. Raises ConfigError, in
    the name of `model`, for anything else and for sides below `least` pixels.
    """
    shape = tuple(input_shape)
    if len(shape) == 1:
        shape = _square(shape[0])
    elif len(shape) == 2:
        shape = (1, *shape)
    if len(shape) != 3 or shape[0] < 1 or min(shape[1:]) < least:
        other = "mlp takes any shape"
        if len(shape) == 3 and model != "cnn":
            other = "cnn takes smaller images, " + other
        raise ConfigError(
            "model",
            model,
            f"images of at least {least} x {least} pixels, such as {_example(least)}",
            f"the data have samples of shape {tuple(input_shape)}; {other}",
        )
    channels, height, width = shape
    return channels, height, width


def check_outputs(outputs: int) -> None:
    """Raise ConfigError for a network without outputs."""
    if outputs < 1:
        raise ConfigError("outputs", outputs, "an integer of at least 1")


def _square(pixels: int) -> tuple[int, ...]:
    for channels in (1, 3):
        side = math.isqrt(max(pixels, 0) // channels)
        if side and channels * side * side == pixels:
            return (channels, side, side)
    return ()


def _example(least: int) -> str:
    if least <= 8:
        return "digits (8 x 8)"
    return "mnist5k (28 x 28)" if least <= 28 else "cifar10:PATH (32 x 32)"
