"""The glyphs of a task: characters that both fonts have, drawn, split and paired."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from heliostat import ConfigError, stored
from heliostat_methods.strokegan.fonts.errors import FontError
from heliostat_methods.strokegan.fonts.sources import GlyphSource, glyph_source, identity, is_folder
from heliostat_methods.strokegan.fonts.subsetting import CHECKED, spread
from heliostat_methods.strokegan.pairs.font_pair_data import FontPairData
from heliostat_methods.strokegan.strokes.character_sets import gb2312_level1
from heliostat_methods.strokegan.strokes.encoder import StrokeEncoder
from heliostat_methods.strokegan.strokes.pair_selection import PairSelector
from heliostat_search.supervised.streams import Streams, under

Array = npt.NDArray[Any]
VALIDATING = 0.2
"""Share of the training characters that is held back to choose a rate."""
LEAST = 20
"""Characters that all fonts have."""


@stored("strokegan.glyph_set")
@dataclass(frozen=True)
class GlyphSet:
    """A task's data as a journal keeps them; shared once by hash.

    ``source``, ``target``: (N, px, px) uint8. ``codes``: (N, 32) one-bit codes. Rows: ``train``,
    ``test``, ``paired``, and ``source_only``, whose target glyphs are white.
    """

    characters: str
    source: Array
    target: Array
    codes: Array
    train: Array
    test: Array
    paired: Array
    source_only: Array

    def data(self) -> FontPairData:
        """Return what a training takes."""
        train, test, paired, source_only = (
            np.asarray(part, np.intp)
            for part in (self.train, self.test, self.paired, self.source_only)
        )
        codes = np.asarray(self.codes, np.float32)
        return FontPairData(
            tuple(self.characters), np.asarray(self.source), np.asarray(self.target), codes, train,
            test, paired, source_only=source_only,
        )  # fmt: skip

    def validating(self, streams: Streams) -> GlyphSet:
        """Return the set without its test characters: some that train are held back instead.

        Those without a pair first, so that as few pairs as can be are lost.
        """
        train, paired = np.asarray(self.train), np.asarray(self.paired)
        order = streams("validating").permutation(train)
        order = order[np.argsort(np.isin(order, paired), kind="stable")]
        held = order[: max(2, round(VALIDATING * len(train)))]
        return replace(
            self, train=np.setdiff1d(train, held), test=np.sort(held),
            paired=np.setdiff1d(paired, held),
        )  # fmt: skip

    def with_drawings(self, characters: Sequence[str], source: Array, target: Array) -> GlyphSet:
        """Return the set with characters that were drawn by hand as further pairs.

        ``source``, ``target``: their (n, px, px). One that was held out, or had another target
        glyph, is a pair from now on; one that is new comes last.
        """
        known = {char: row for row, char in enumerate(self.characters)}
        new = [char for char in characters if char not in known]
        rows = {**known, **{char: len(known) + at for at, char in enumerate(new)}}
        at = np.array([rows[char] for char in characters], np.intp)
        room = np.zeros((len(new), *np.asarray(self.source).shape[1:]), np.uint8)
        drawn, wanted = (np.concatenate([np.asarray(part), room])
                         for part in (self.source, self.target))  # fmt: skip
        drawn[at], wanted[at] = source, target
        codes = [np.asarray(self.codes), *([StrokeEncoder().encode_all(new)] if new else [])]
        return GlyphSet(
            self.characters + "".join(new), drawn, wanted,
            np.concatenate(codes),
            np.union1d(self.train, at), np.setdiff1d(self.test, at), np.union1d(self.paired, at),
            np.setdiff1d(self.source_only, at),
        )  # fmt: skip


def renderer(field: str, font: str, size: int) -> GlyphSource:
    """Return what draws a font; ConfigError naming the field where there is none."""
    try:
        if field == "redrawn" and not is_folder(font):
            raise FontError("there is no such folder")
        found = glyph_source(font, size)
        found.characters  # noqa: B018  a file that is no font is found when it is first read
        return found
    except (FontError, FileNotFoundError, ImportError, ValueError) as error:
        expected = "a folder of drawings" if field == "redrawn" else "a font that is here"
        raise ConfigError(field, font, expected, str(error)) from None


def refuse_repeated(source: str, targets: Sequence[str], critics: Sequence[str]) -> None:
    """Raise ConfigError for one font in two places, whatever it is called.

    A folder of drawings that is gone is told from others by its name.
    """
    taken = {_identity(source): source}
    for field, names in (("targets", targets), ("critics", critics)):
        for at, name in enumerate(names):
            same = _identity(name)
            if same in taken:
                raise ConfigError(f"{field}[{at}]", name, "another font than those before it",
                                  f"it is {taken[same]}")  # fmt: skip
            taken[same] = name


def _identity(name: str) -> tuple[str, int]:
    try:
        return identity(name)
    except FontError:
        return name, 0


def shared_characters(fonts: Sequence[GlyphSource], count: int) -> tuple[str, ...]:
    """Return so many characters that all fonts and the stroke table have, spread evenly.

    They are of GB2312 level 1, and others too where these are too few. Raises ConfigError where
    there are not 20.
    """
    common = _known(frozenset.intersection(*(one.characters for one in fonts)))
    if len(common) < LEAST:
        counts = ", ".join(f"{len(_known(one.characters)):,}" for one in fonts)
        raise ConfigError("targets", f"{len(common)} common characters", f"at least {LEAST} that "
                          "source, targets and critics have in common",
                          f"of the stroke table they have, in this order: {counts}")  # fmt: skip
    return _spread(common, count)


def further_characters(source: GlyphSource, taken: Sequence[str], count: int) -> tuple[str, ...]:
    """Return so many characters of the source font and the stroke table that are not ``taken``."""
    return _spread(_known(source.characters.difference(taken)), count)


def _known(chars: frozenset[str]) -> list[str]:
    """Return characters of the stroke table: those of GB2312 level 1 first, in its order."""
    known = frozenset(filter(StrokeEncoder().knows, chars))
    first = [char for char in gb2312_level1() if char in known]
    return first + sorted(known.difference(first))


def _spread(chars: Sequence[str], count: int) -> tuple[str, ...]:
    """Return so many, or all: of GB2312 level 1, spread evenly, and others where it has too few."""
    level1 = frozenset(gb2312_level1())
    first = [char for char in chars if char in level1]
    rest = [char for char in chars if char not in level1]
    if not count or len(chars) <= count:
        return tuple(chars) if count else ()
    if len(first) >= count:
        checked = "".join(char for char in CHECKED if char in first)
        return spread(first, count, checked if len(checked) <= count else "")
    return (*first, *spread(rest, count - len(first), ""))


def glyph_set(
    characters: Sequence[str], source: Array, target: Array, share: float, pairs: float,
    strategy: Any, streams: Streams,
) -> GlyphSet:  # fmt: skip
    """Return a task's data, split by character and with pairs chosen among those that train.

    Raises ConfigError naming ``train_share`` where fewer than 4 would train or 2 be held out.
    ``target`` (n, px, px) has the glyphs of the first n characters alone: of the others, only the
    source font's are seen.
    """
    codes, known = StrokeEncoder().encode_all(characters), len(target)
    trains = int(share * known + 0.5)
    if trains < 4 or known - trains < 2:
        raise ConfigError("train_share", share, "a share that leaves 4 characters to train on and "
                          f"2 to judge by, of the {known} that the fonts have")  # fmt: skip
    split = FontPairData.split(characters[:known], source[:known], target,
                               codes[:known].astype(np.float32), under(streams, "split"),
                               share)  # fmt: skip
    number = max(1, int(pairs * trains + 0.5))
    data = split.with_pairs(PairSelector(strategy, n_pairs=number), under(streams, "pairs"))
    white = np.full_like(source[known:], 255)
    return GlyphSet("".join(characters), source, np.concatenate([target, white]), codes, data.train,
                    data.test, data.paired, np.arange(known, len(characters)))  # fmt: skip
