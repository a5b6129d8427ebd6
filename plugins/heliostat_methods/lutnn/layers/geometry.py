"""A convolution as a linear layer over patches, ordered (channel, kernel row, kernel column)."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor, nn
from torch.nn import functional


@dataclass(frozen=True)
class Geometry:
    """Kernel, stride and dilation by axis; ``pads`` as `torch.nn.functional.pad` takes them."""

    kernel_size: tuple[int, int]
    stride: tuple[int, int]
    dilation: tuple[int, int]
    pads: tuple[int, int, int, int]
    padding_mode: str

    @classmethod
    def of(cls, layer: nn.Conv2d) -> Geometry:
        """Return the geometry of a convolution."""
        # torch keeps the pads of "same" and of other modes in this order, whatever the mode
        left, right, top, bottom = layer._reversed_padding_repeated_twice
        return cls(
            (layer.kernel_size[0], layer.kernel_size[1]), (layer.stride[0], layer.stride[1]),
            (layer.dilation[0], layer.dilation[1]), (left, right, top, bottom), layer.padding_mode,
        )  # fmt: skip

    @property
    def taps(self) -> int:
        """Numbers of one channel's patch."""
        return self.kernel_size[0] * self.kernel_size[1]

    @property
    def simple(self) -> tuple[int, int] | None:
        """Stride and padding of a 3x3 kernel that the compiled convolution has, else None."""
        pads = set(self.pads)
        if (
            self.kernel_size == (3, 3)
            and self.dilation == (1, 1)
            and self.stride in ((1, 1), (2, 2))
            and (pads == {0} or (pads == {1} and self.padding_mode == "zeros"))
        ):
            return self.stride[0], self.pads[0]
        return None

    def size(self, height: int, width: int) -> tuple[int, int]:
        """Return height and width of the output of an image."""
        left, right, top, bottom = self.pads
        padded = (height + top + bottom, width + left + right)
        high, wide = (
            (n - d * (k - 1) - 1) // s + 1
            for n, k, s, d in zip(padded, self.kernel_size, self.stride, self.dilation, strict=True)
        )
        if min(high, wide) < 1:
            raise ValueError(
                f"x: images of {height}x{width}, expected at least as large as the kernel "
                f"{self.kernel_size[0]}x{self.kernel_size[1]} after padding"
            )
        return high, wide

    def rows(self, x: Tensor) -> Tensor:
        """Return patches of images (B, C, H, W) as rows (B H' W', C taps)."""
        self.size(*x.shape[2:])  # says what is too small
        if x.shape[0] == 0:  # torch does not unfold no image
            return x.new_empty(0, x.shape[1] * self.taps)
        if any(self.pads):
            mode = "constant" if self.padding_mode == "zeros" else self.padding_mode
            x = functional.pad(x, self.pads, mode=mode)
        if self.taps == 1:
            x = x[:, :, :: self.stride[0], :: self.stride[1]]
            return x.permute(0, 2, 3, 1).reshape(-1, x.shape[1])
        patches = functional.unfold(x, self.kernel_size, dilation=self.dilation, stride=self.stride)
        return patches.transpose(1, 2).reshape(-1, patches.shape[1])

    def images(self, rows: Tensor, batch: int, height: int, width: int) -> Tensor:
        """Return outputs (B, M, H', W') of rows (B H' W', M) for inputs of a size."""
        high, wide = self.size(height, width)
        return rows.reshape(batch, high, wide, rows.shape[1]).permute(0, 3, 1, 2).contiguous()


def checked_images(x: Tensor, channels: int, name: str = "x") -> Tensor:
    """Return images (B, C, H, W), a single one (C, H, W) as a batch; ValueError for others."""
    if x.dim() not in (3, 4) or x.shape[-3] != channels:
        raise ValueError(
            f"{name}: shape {tuple(x.shape)}, expected (B, {channels}, H, W): the layer has "
            f"in_channels {channels}"
        )
    return x if x.dim() == 4 else x[None]


def unbatched(y: Tensor, like: Tensor) -> Tensor:
    """Return outputs as their inputs were given, with a batch or without."""
    return y if like.dim() == 4 else y[0]


def rows_of(x: Tensor, features: int, padding: int) -> Tensor:
    """Return inputs (..., D) as rows (N, D + padding) with zeros behind; ValueError for others."""
    if x.dim() < 1 or x.shape[-1] != features:
        raise ValueError(
            f"x: {x.shape[-1] if x.dim() else 0} features in shape {tuple(x.shape)}, expected "
            f"in_features {features}"
        )
    rows = x.reshape(-1, features)
    return functional.pad(rows, (0, padding)) if padding else rows


def padded_to(features: int, length: int, pad: bool, name: str) -> int:
    """Return how many zeros follow ``features`` so that ``length`` divides them.

    Raises ValueError where some do and ``pad`` does not allow it.
    """
    if features < 1:
        raise ValueError(f"{name.rstrip(' =')}: {features}, expected at least 1")
    if length < 1:
        raise ValueError(f"length: {length}, expected at least 1")
    rest = -features % length
    if rest and not pad:
        raise ValueError(
            f"length: {length} (V), expected a divisor of {name} {features}; pad=True adds "
            f"{rest} zero{'s' * (rest > 1)}"
        )
    return rest
