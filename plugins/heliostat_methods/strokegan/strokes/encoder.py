"""A character's code: which of the 32 strokes it has, or how many of each.

The one-bit code of StrokeGAN (arXiv 2012.08687) says of each stroke whether it occurs, neither how
often nor where. It belongs to the character, not to a font.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from heliostat_methods.strokegan.strokes.kanjivg import kanjivg_strokes
from heliostat_methods.strokegan.strokes.table import stroke_table
from heliostat_methods.strokegan.strokes.vocabulary import STROKES, StrokeVocabulary

Mode = Literal["onebit", "count"]
Missing = Literal["error", "skip", "fallback"]
MODES: tuple[Mode, ...] = get_args(Mode)
MISSING: tuple[Missing, ...] = get_args(Missing)
MOST_NAMED = 20
"""Characters that a message names."""

Strokes = Mapping[str, Sequence[str]]
"""The ids of each character's strokes, in any order."""


class NoStrokeData(KeyError):
    """A character whose strokes no table knows."""

    def __str__(self) -> str:  # KeyError shows its message as a quoted literal
        return str(self.args[0])


class StrokeEncoder:
    """Turns characters into codes of 32 numbers, in a vocabulary's order.

    `strokes`: what is known of characters, by default the table of 6,939 simplified ones.
    `fallback`: asked with ``missing="fallback"`` for what `strokes` lacks, by default KanjiVG.

    >>> encoder = StrokeEncoder()
    >>> encoder.encode("永").nonzero()[0]
    array([ 4,  5,  6,  8, 10])
    >>> encoder.encode_all("土士", mode="count").tolist()[0][:3]
    [2, 0, 1]
    """

    def __init__(
        self,
        vocabulary: StrokeVocabulary | None = None,
        strokes: Strokes | None = None,
        fallback: Strokes | None = None,
    ) -> None:
        self.vocabulary = StrokeVocabulary() if vocabulary is None else vocabulary
        self.strokes: Strokes = stroke_table() if strokes is None else strokes
        self._fallback = fallback

    def knows(self, char: str) -> bool:
        """Return whether a character's strokes are known without the fallback."""
        return char in self.strokes

    def encode(
        self, char: str, mode: Mode = "onebit", missing: Literal["error", "fallback"] = "error"
    ) -> NDArray[np.uint8]:
        """Return a character's code (32,): 0 or 1 of each stroke, or how many of each.

        Raises ``ValueError`` for anything but one character and for an unknown mode, `NoStrokeData`
        (a ``KeyError``) for a character without data.
        """
        _one_of("mode", mode, MODES)
        _one_of("missing", missing, ("error", "fallback"))
        return self._counted([self._ids(char, missing == "fallback")], mode).reshape(STROKES)

    def encode_all(
        self, chars: Iterable[str], mode: Mode = "onebit", missing: Missing = "error"
    ) -> NDArray[np.uint8]:
        """Return the codes of many characters, (N, 32), in their order.

        `missing` says what becomes of characters without data: an error; left out, so that rows
        are those of ``filter(encoder.knows, chars)``; or looked up in the fallback. Raises as
        `encode`, and names the first 20 characters without data and how many there are.
        """
        _one_of("mode", mode, MODES)
        _one_of("missing", missing, MISSING)
        found, lacking = [], []
        for char in chars:
            try:
                found.append(self._ids(char, missing == "fallback"))
            except NoStrokeData:
                lacking.append(char)
        if lacking and missing != "skip":
            raise NoStrokeData(_no_data(lacking))
        return self._counted(found, mode)

    def _ids(self, char: str, fall_back: bool) -> Sequence[str]:
        if not isinstance(char, str) or len(char) != 1:
            raise ValueError(f"char must be one character, got {char!r}")
        if char in self.strokes:
            return self.strokes[char]
        if fall_back:
            if self._fallback is None:
                self._fallback = kanjivg_strokes()
            if char in self._fallback:
                return self._fallback[char]
        raise NoStrokeData(_no_data([char]))

    def _counted(self, rows: Sequence[Sequence[str]], mode: Mode) -> NDArray[np.uint8]:
        column = self.vocabulary.index
        columns = {name: column(name) for name in self.vocabulary.ids}
        codes = np.zeros((len(rows), STROKES), dtype=np.uint8)
        at = [row for row, ids in enumerate(rows) for _ in ids]
        of = [columns[name] if name in columns else column(name) for ids in rows for name in ids]
        np.add.at(codes, (at, of), 1)
        return codes if mode == "count" else np.minimum(codes, 1)


def _one_of(name: str, given: str, allowed: Sequence[str]) -> None:
    if given not in allowed:
        raise ValueError(f"{name} must be one of {', '.join(allowed)}, got {given!r}")


def _no_data(chars: Sequence[str]) -> str:
    named = ", ".join(f"'{char}' (U+{ord(char):04X})" for char in chars[:MOST_NAMED])
    if len(chars) > MOST_NAMED:
        named += f" and {len(chars) - MOST_NAMED} more ({len(chars)} in all)"
    return f"no stroke data for {named}"
