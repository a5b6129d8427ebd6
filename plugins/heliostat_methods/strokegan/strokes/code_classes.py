"""Which characters share a code: the classes that a stroke loss cannot tell apart.

The one-bit code is coarse. Of the 3,755 characters of GB2312 level 1 only 857 are alone in theirs,
and 土 and 士, 己 and 已, 人 and 入 share one: the reason for pairs (StrokeGAN+, arXiv 2211.06198).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from heliostat_methods.strokegan.strokes.vocabulary import STROKES


@dataclass(frozen=True)
class CodeClasses:
    """The distinct codes of some characters, and which of them each character has."""

    codes: NDArray[np.uint8]
    """(C, 32): the distinct codes, in the order of their numbers."""
    of: NDArray[np.intp]
    """(N,): the row of `codes` that each character has."""
    sizes: NDArray[np.intp]
    """(C,): how many characters have each code."""

    @property
    def distinct(self) -> int:
        """How many codes there are."""
        return len(self.sizes)

    @property
    def alone(self) -> int:
        """How many characters share their code with no other."""
        return int((self.sizes == 1).sum())

    @property
    def sharing(self) -> int:
        """How many characters share their code."""
        return len(self.of) - self.alone

    @property
    def largest_first(self) -> NDArray[np.intp]:
        """The sizes of the classes of two and more, the largest first."""
        return np.sort(self.sizes[self.sizes > 1])[::-1]


def code_classes(codes: ArrayLike) -> CodeClasses:
    """Return the classes of equal rows of codes (N, 32), one-bit or counts.

    Raises ``ValueError`` for another shape.
    """
    rows = as_codes(codes)
    if not len(rows):
        return CodeClasses(rows, np.zeros(0, np.intp), np.zeros(0, np.intp))
    distinct, of, sizes = np.unique(rows, axis=0, return_inverse=True, return_counts=True)
    return CodeClasses(distinct, of.reshape(-1), sizes)


def as_codes(codes: ArrayLike) -> NDArray[np.uint8]:
    """Return codes as whole numbers (N, 32); raises ``ValueError`` for another shape or value."""
    given = np.asarray(codes)
    if given.ndim != 2 or given.shape[1] != STROKES:
        raise ValueError(f"codes must be of shape (N, {STROKES}), got {given.shape}")
    rows = given.astype(np.uint8) if np.isfinite(given).all() else None
    if rows is None or not np.array_equal(rows, given):
        raise ValueError("codes must be whole numbers from 0 to 255")
    return rows
