"""Words of legs: checked, and turned so that a leg stands last."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from operator import index
from typing import Any

Word = tuple[int, ...]


def checked_word(name: str, word: Sequence[int] | None, n: int, *, whole: bool) -> Word:
    """Return a word of different legs of 0..n-1; None is all of them in order.

    ``whole``: it has to have all n. Raises ValueError naming the leg.
    """
    if word is None:
        return tuple(range(n))
    letters = tuple(legs_of(name, word))
    for leg in letters:
        if not 0 <= leg < n:
            raise ValueError(f"{name}: leg {leg!r}, expected whole numbers from 0 to {n - 1}")
        if letters.count(leg) > 1:
            raise ValueError(f"{name}: leg {leg} stands in it twice, expected each at most once")
    if whole and len(letters) != n:
        missing = ", ".join(str(leg) for leg in range(n) if leg not in letters)
        raise ValueError(f"{name}: without leg {missing}, expected all {n} legs")
    if not letters:
        raise ValueError(f"{name}: no legs, expected at least one")
    return letters


def legs_of(name: str, given: Any) -> list[int]:
    """Return legs of a sequence or an array as integers; ValueError for what has no order."""
    ordered = isinstance(given, Sequence) or hasattr(given, "__array__")
    if not ordered or isinstance(given, str | bytes):
        raise ValueError(f"{name}: {given!r}, expected a sequence of legs")
    found = []
    for leg in given:
        try:
            if isinstance(leg, bool):
                raise TypeError
            found.append(index(leg))
        except TypeError:
            raise ValueError(f"{name}: leg {leg!r}, expected whole numbers") from None
    return found


def turned_to_end_with(word: Word, leg: int) -> Word:
    """Return a cyclic word turned until a leg of it stands last."""
    at = word.index(leg) + 1
    return word[at:] + word[:at]


def subwords(length: int) -> Iterator[tuple[int, int]]:
    """Yield [i, j) of all subwords of at least two letters, short ones first."""
    for size in range(2, length + 1):
        for i in range(length - size + 1):
            yield i, i + size
