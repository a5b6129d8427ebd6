"""The glyphs of two fonts, split by character, and the few characters that are pairs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from heliostat_search.supervised.streams import Streams, streams_from

Glyphs = NDArray[np.uint8]
Rows = NDArray[np.intp]
_NAMED = 20


class Selector(Protocol):
    """Chooses which training characters are drawn by hand, such as a `PairSelector`."""

    def select(self, codes: ArrayLike, random: np.random.Generator | int, /) -> Rows:
        """Return rows of the codes (N, 32)."""
        ...


def _none() -> Rows:
    return np.empty(0, np.intp)


@dataclass(frozen=True, eq=False, repr=False)
class FontPairData:
    """N characters in two fonts, which of them train, are held out, and are known as pairs.

    ``source``, ``target``: (N, px, px) uint8, white 255; row i of both shows ``characters[i]``.
    ``codes``: (N, 32), 0..1. ``train``, ``test``: row numbers without a common one; ``paired``:
    row numbers within ``train``. Target glyphs of test rows are the truth, and never trained on.
    ``source_only``: row numbers of characters that only the source font has; their target glyphs
    are never looked at. ``further``: (K, N, px, px), further fonts of the same characters that are
    known whole (zi2zi).

    Raises ``ValueError`` naming the part that cannot be.
    """

    characters: tuple[str, ...]
    source: Glyphs
    target: Glyphs
    codes: NDArray[np.float32]
    train: Rows
    test: Rows
    paired: Rows = field(default_factory=_none)
    further: Glyphs | None = None
    source_only: Rows = field(default_factory=_none)

    def __post_init__(self) -> None:
        count = len(self.characters)
        repeated = _repeated(self.characters)
        if repeated:
            raise ValueError(f"characters: {repeated} more than once, expected each once")
        _check_glyphs("source", self.source, count)
        _check_glyphs("target", self.target, count)
        if self.source.shape != self.target.shape:
            raise ValueError(
                f"target: shape {self.target.shape}, expected {self.source.shape} as source has"
            )
        if self.further is not None:
            for at, one in enumerate(self.further):
                _check_glyphs(f"further[{at}]", one, count)
                if one.shape != self.source.shape:
                    raise ValueError(f"further[{at}]: shape {one.shape}, expected that of source")
        codes = np.asarray(self.codes)
        if codes.ndim != 2 or len(codes) != count or not codes.shape[1]:
            raise ValueError(f"codes: shape {codes.shape}, expected ({count}, strokes)")
        if not (np.isfinite(codes).all() and codes.min() >= 0 and codes.max() <= 1):
            raise ValueError("codes: expected numbers from 0 to 1")
        object.__setattr__(self, "codes", codes.astype(np.float32))
        for name in ("train", "test", "paired", "source_only"):
            object.__setattr__(self, name, _checked_rows(name, getattr(self, name), count))
        if len(self.train) < 2:
            raise ValueError(f"train: {len(self.train)} characters, expected at least 2")
        both = np.intersect1d(self.train, self.test)
        if len(both):
            raise ValueError(f"test: {_name(self.characters, both)} trains too, expected neither")
        known = np.intersect1d(self.source_only, np.concatenate([self.train, self.test]))
        if len(known):
            raise ValueError(
                f"source_only: {_name(self.characters, known)} in the target font too, expected "
                "only characters that it lacks"
            )
        outside = np.setdiff1d(self.paired, self.train)
        if len(outside):
            raise ValueError(
                f"paired: {_name(self.characters, outside)} outside train, expected only "
                "characters that train"
            )

    def __repr__(self) -> str:
        parts = f"{len(self.train)} train, {len(self.paired)} of them pairs"
        return (
            f"FontPairData({len(self.characters)} characters at {self.px} px: {parts}, "
            f"{len(self.test)} held out)"
        )

    @property
    def px(self) -> int:
        """The side of a picture, in pixels."""
        return int(self.source.shape[1])

    @property
    def drawn_from(self) -> Rows:
        """Rows of which source glyphs without a pair are taken."""
        return np.concatenate([self.train, self.source_only])

    @property
    def fonts(self) -> int:
        """How many target fonts there are: the target, and the further ones."""
        return 1 + (0 if self.further is None else len(self.further))

    def with_pairs(
        self, selector: Selector, streams: Streams | int, name: str = "pairs"
    ) -> FontPairData:
        """Return the same data with the pairs that a selector takes among training characters."""
        chosen = selector.select(self.codes[self.train], _streams(streams)(name))
        return replace(self, paired=self.train[chosen])

    @classmethod
    def split(
        cls,
        characters: Sequence[str],
        source: Glyphs,
        target: Glyphs,
        codes: ArrayLike,
        streams: Streams | int,
        share: float = 0.8,
        further: Glyphs | None = None,
    ) -> FontPairData:
        """Return data with ``share`` of the characters for training, by the stream ``split``.

        ``streams``: streams by name, or a seed. The split is by character, so that no held-out
        character was seen in either font; 0.8 is from memory of the paper [R].
        """
        if not 0 < share < 1:
            raise ValueError(f"share must lie between 0 and 1, got {share}")
        order = _streams(streams)("split").permutation(len(characters))
        kept = int(share * len(order) + 0.5)
        return cls(
            tuple(characters), source, target, np.asarray(codes, np.float32),
            np.sort(order[:kept]), np.sort(order[kept:]), further=further,
        )  # fmt: skip

    @classmethod
    def matched(
        cls,
        source_characters: Sequence[str],
        source: Glyphs,
        target_characters: Sequence[str],
        target: Glyphs,
        encode: Callable[[Sequence[str]], ArrayLike],
        streams: Streams | int,
        share: float = 0.8,
    ) -> FontPairData:
        """Return data of the characters that both fonts have, in the order of the source.

        ``encode`` gives codes (N, 32) of characters, as `StrokeEncoder.encode_all` does. Raises
        ``ValueError`` where the fonts have no character in common.
        """
        for name, chars, glyphs in (("source", source_characters, source),
                                    ("target", target_characters, target)):  # fmt: skip
            _check_glyphs(name, glyphs, len(chars))
            if repeated := _repeated(chars):
                raise ValueError(f"{name}_characters: {repeated} more than once")
        place = {char: at for at, char in enumerate(target_characters)}
        common = [at for at, char in enumerate(source_characters) if char in place]
        if not common:
            raise ValueError(
                f"no common characters: source has {len(source_characters)}, target "
                f"{len(target_characters)}"
            )
        chars = tuple(source_characters[at] for at in common)
        theirs = [place[char] for char in chars]
        return cls.split(chars, source[common], target[theirs], encode(chars), streams, share)


def _streams(given: Streams | int) -> Streams:
    return given if callable(given) else streams_from(int(given))


def _check_glyphs(name: str, glyphs: Glyphs, count: int) -> None:
    shape = getattr(glyphs, "shape", None)
    if getattr(glyphs, "dtype", None) != np.uint8 or shape is None or len(shape) != 3:
        raise ValueError(
            f"{name}: {getattr(glyphs, 'dtype', type(glyphs).__name__)} of shape {shape}, expected "
            "uint8 (N, px, px)"
        )
    if shape[0] != count or shape[1] != shape[2] or not shape[1]:
        raise ValueError(f"{name}: shape {shape}, expected ({count}, px, px)")


def _checked_rows(name: str, rows: ArrayLike, count: int) -> Rows:
    found = np.asarray(rows)
    if found.ndim != 1 or (found.size and not np.issubdtype(found.dtype, np.integer)):
        raise ValueError(f"{name}: expected row numbers (n,), got shape {found.shape}")
    found = found.astype(np.intp)
    if found.size and not (found.min() >= 0 and found.max() < count):
        raise ValueError(f"{name}: row numbers must lie in 0..{count - 1}")
    if len(np.unique(found)) < len(found):
        raise ValueError(f"{name}: expected each row once")
    return found


def _repeated(characters: Sequence[str]) -> str:
    if len(set(characters)) == len(characters):
        return ""
    seen: set[str] = set()
    again = [char for char in characters if char in seen or seen.add(char)]  # type: ignore[func-returns-value]
    return _listed(list(dict.fromkeys(again)))


def _name(characters: Sequence[str], rows: Rows) -> str:
    return _listed([characters[row] for row in rows])


def _listed(chars: Sequence[str]) -> str:
    named = ", ".join(chars[:_NAMED])
    return named + (f" and {len(chars) - _NAMED} more" if len(chars) > _NAMED else "")
