"""The glyphs of a task: characters that both fonts have, drawn, split and paired."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from heliostat import ConfigError, stored
from heliostat_methods.strokegan.fonts.catalogue import resolved
from heliostat_methods.strokegan.fonts.coverage import common_characters
from heliostat_methods.strokegan.fonts.errors import FontError
from heliostat_methods.strokegan.fonts.rendering import GlyphRenderer
from heliostat_methods.strokegan.fonts.subsetting import spread
from heliostat_methods.strokegan.pairs.font_pair_data import FontPairData
from heliostat_methods.strokegan.strokes.encoder import StrokeEncoder
from heliostat_methods.strokegan.strokes.pair_selection import PairSelector
from heliostat_search.supervised.streams import Streams, under

Array = npt.NDArray[Any]


@stored("strokegan.glyph_set")
@dataclass(frozen=True)
class GlyphSet:
    """A task's data as a journal keeps them; shared once by hash.

    ``source``, ``target``: (N, px, px) uint8. ``codes``: (N, 32) one-bit codes. Rows: ``train``,
    ``test``, ``paired``.
    """

    characters: str
    source: Array
    target: Array
    codes: Array
    train: Array
    test: Array
    paired: Array

    def data(self) -> FontPairData:
        """Return what a training takes."""
        train, test, paired = (np.asarray(part, np.intp)
                               for part in (self.train, self.test, self.paired))  # fmt: skip
        codes = np.asarray(self.codes, np.float32)
        return FontPairData(tuple(self.characters), np.asarray(self.source),
                            np.asarray(self.target), codes, train, test, paired)  # fmt: skip


def renderer(field: str, font: str, size: int) -> GlyphRenderer:
    """Return what draws a font; ConfigError naming the field where there is none."""
    try:
        return GlyphRenderer(font, None, size)
    except (FontError, FileNotFoundError, ImportError, ValueError) as error:
        raise ConfigError(field, font, "a font that is here", str(error)) from None


def shared_characters(fonts: Sequence[str], count: int) -> tuple[str, ...]:
    """Return so many characters that all fonts and the stroke table have, spread evenly.

    Raises ConfigError where there are not 20.
    """
    encoder = StrokeEncoder()
    common = [char for char in common_characters([resolved(font) for font in fonts])
              if encoder.knows(char)]  # fmt: skip
    if len(common) < 20:
        raise ConfigError("targets", list(fonts), "fonts with 20 common characters at least",
                          f"they have {len(common)} that the stroke table knows")  # fmt: skip
    return spread(common, min(count, len(common)))


def glyph_set(
    characters: Sequence[str], source: Array, target: Array, share: float, pairs: float,
    strategy: Any, streams: Streams,
) -> GlyphSet:  # fmt: skip
    """Return a task's data, split by character and with pairs chosen among those that train."""
    codes = StrokeEncoder().encode_all(characters)
    split = FontPairData.split(characters, source, target, codes.astype(np.float32),
                               under(streams, "split"), share)  # fmt: skip
    data = split.with_pairs(PairSelector(strategy, fraction=pairs), under(streams, "pairs"))
    return GlyphSet("".join(characters), source, target, codes, data.train, data.test, data.paired)
