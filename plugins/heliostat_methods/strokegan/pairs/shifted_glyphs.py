"""Glyphs that lie where the training runs, taken as batches that are moved by a few pixels."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from heliostat_methods.strokegan.pairs.font_pair_data import Glyphs

WHITE = 255


class ShiftedGlyphs:
    """Pictures (N, px, px) uint8, kept once with a white margin, given as floats in [-1, 1].

    ``margin``: the most pixels of a shift; ``channels``: copies of the grey one.
    """

    def __init__(
        self, glyphs: Glyphs, margin: int = 0, channels: int = 1, device: str = "cpu"
    ) -> None:
        self.px, self.margin, self.channels = int(glyphs.shape[1]), margin, channels
        sides = ((0, 0), (margin, margin), (margin, margin))
        padded = np.pad(np.asarray(glyphs), sides, constant_values=WHITE)
        self._padded = torch.from_numpy(padded).to(device)

    def take(
        self,
        rows: NDArray[np.intp],
        shifts: NDArray[np.int64] | None = None,
        flips: NDArray[np.bool_] | None = None,
    ) -> Tensor:
        """Return pictures (n, channels, px, px); ``shifts`` (n, 2) move down and right, in pixels.

        ``flips`` (n,) mirrors pictures, which makes wrong characters: for the released code only.
        """
        down, right = (
            np.zeros((2, len(rows)), np.int64) if shifts is None else np.ascontiguousarray(shifts.T)
        )
        span = np.arange(self.px)
        lines = self.margin - down[:, None] + span
        columns = self.margin - right[:, None] + span
        if flips is not None:
            columns = np.where(flips[:, None], columns[:, ::-1], columns)
        device = self._padded.device
        at = torch.from_numpy(np.asarray(rows, np.int64)).to(device)
        found = self._padded[
            at[:, None, None],
            torch.from_numpy(lines).to(device)[:, :, None],
            torch.from_numpy(columns).to(device)[:, None, :],
        ]
        return as_inputs(found, self.channels)


def as_inputs(glyphs: Tensor, channels: int = 1) -> Tensor:
    """Return uint8 pictures (n, px, px) as floats (n, channels, px, px) in [-1, 1], white 1."""
    floats = glyphs.to(torch.float32).div_(0.5 * WHITE).sub_(1.0)[:, None]
    return floats if channels == 1 else floats.repeat(1, channels, 1, 1)


def as_pictures(outputs: Tensor) -> NDArray[np.float32]:
    """Return outputs (n, channels, px, px) in [-1, 1] as grey float32 (n, px, px) in [0, 1]."""
    grey = outputs.detach().float().mean(dim=1).add(1.0).mul(0.5).clamp(0.0, 1.0)
    return np.asarray(grey.cpu().numpy(), np.float32)
