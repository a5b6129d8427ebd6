"""The batches of a training, by step number alone, so that one goes on where another stopped."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from heliostat_methods.strokegan.pairs.font_pair_data import FontPairData, Rows
from heliostat_methods.strokegan.pairs.shifted_glyphs import ShiftedGlyphs
from heliostat_methods.strokegan.training.settings import TrainingSettings
from heliostat_search.supervised.batches import Batches
from heliostat_search.supervised.streams import Streams


@dataclass(frozen=True)
class Glyphs:
    """Pictures (n, C, px, px) in [-1, 1] and the codes (n, 32) of their characters."""

    pictures: Tensor
    codes: Tensor


@dataclass(frozen=True)
class Pairs:
    """Pictures of n characters in both fonts, (n, C, px, px); ``fonts`` (n,): which target."""

    source: Tensor
    target: Tensor
    codes: Tensor
    fonts: Tensor


class Draws:
    """Draws rows and shifts on the CPU, from streams by step, and gives tensors on the device.

    Rows of a font are shuffled every epoch. A step's pairs are half a batch, rounded up; where
    nothing else is learned from, a whole one.
    """

    def __init__(
        self, data: FontPairData, settings: TrainingSettings, streams: Streams, device: str
    ) -> None:
        self._data, self._streams, self._device = data, streams, device
        self._shift, self._flip = settings.shift, settings.flip
        further = () if data.further is None else tuple(data.further)
        targets = np.concatenate([data.target, *further]) if further else data.target
        self._source, self._target = (
            ShiftedGlyphs(glyphs, settings.shift, settings.channels, device)
            for glyphs in (data.source, targets)
        )
        self._codes = torch.from_numpy(data.codes).to(device)
        chosen = data.train if settings.paired_characters == "all" else data.paired
        self._paired: Rows = chosen
        whole, half = settings.batch, -(-settings.batch // 2)
        few = min(whole, len(data.train))  # as many of each font
        self._of_source = Batches([streams], "source", len(data.drawn_from), few)
        self._of_target = Batches([streams], "target", len(data.train), whole)
        self._few = self._whole = None
        if len(chosen):
            self._few = Batches([streams], "few", len(chosen), half)
            self._whole = Batches([streams], "whole", len(chosen), whole)

    def source(self, step: int) -> Glyphs:
        """Return a step's source glyphs."""
        rows = self._data.drawn_from[_row(self._of_source, step)]
        return self._glyphs(self._source, "source", rows, step)

    def target(self, step: int) -> Glyphs:
        """Return a step's target glyphs, of other characters."""
        rows = self._data.train[_row(self._of_target, step)]
        return self._glyphs(self._target, "target", rows, step)

    def few_pairs(self, step: int) -> Pairs:
        """Return the pairs of a step that learns from unpaired glyphs too."""
        assert self._few is not None
        return self._pairs(self._paired[_row(self._few, step)], step)

    def pairs(self, step: int) -> Pairs:
        """Return the pairs of a step that learns from nothing else."""
        assert self._whole is not None
        return self._pairs(self._paired[_row(self._whole, step)], step)

    def styled_pairs(self, step: int) -> Pairs:
        """Return pairs whose fonts are drawn; those of further fonts are of any train row."""
        fonts = self._streams("fonts", step).integers(self._data.fonts, size=self._of_target.size)
        if self._data.fonts == 1:
            return self.pairs(step)
        assert self._whole is not None
        mine = np.resize(self._paired[_row(self._whole, step)], len(fonts))
        theirs = self._data.train[_row(self._of_target, step)]
        return self._pairs(np.where(fonts == 0, mine, theirs), step, fonts)

    def _glyphs(self, of: ShiftedGlyphs, name: str, rows: Rows, step: int) -> Glyphs:
        flips = None
        if self._flip:
            flips = self._streams("flip", name, step).random(len(rows)) < 0.5
        return Glyphs(
            of.take(rows, self._shifts(name, len(rows), step), flips), self._codes_of(rows)
        )

    def _pairs(self, rows: Rows, step: int, fonts: NDArray[np.int64] | None = None) -> Pairs:
        which = np.zeros(len(rows), np.int64) if fonts is None else fonts
        shifts = self._shifts("pairs", len(rows), step)
        target = self._target.take(rows + which * len(self._data.characters), shifts)
        return Pairs(
            self._source.take(rows, shifts), target, self._codes_of(rows),
            torch.from_numpy(which).to(self._device),
        )  # fmt: skip

    def _codes_of(self, rows: Rows) -> Tensor:
        return self._codes[torch.from_numpy(np.asarray(rows, np.int64)).to(self._device)]

    def _shifts(self, name: str, count: int, step: int) -> NDArray[np.int64]:
        drawn = self._streams("shift", name, step)
        return drawn.integers(-self._shift, self._shift + 1, size=(count, 2))


def _row(batches: Batches, step: int) -> NDArray[np.int64]:
    return np.asarray(batches.at(step)[0].numpy())
