"""What each letter of cnchar's stroke orders stands for among the 32 strokes.

Nineteen letters stand for one stroke. Seven stand for two, told apart by the letters beside them
and by the stroke's median line. These rules are ours; what they give was compared with the label
files of StrokeGAN's authors (multiset overlap 3,313 of 3,755 codes).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

Point = Sequence[float]
Median = Sequence[Point]
"""A stroke's middle line from its beginning to its end: points (x, y), y upwards, 0..1024."""

ONE_STROKE = {
    "a": "hengzhezhepie", "c": "hengzhe", "d": "dian", "f": "shu", "g": "shugou", "h": "shuti",
    "i": "ti", "j": "heng", "k": "dian", "l": "na", "m": "piedian", "n": "piezhe",
    "p": "hengzheti", "q": "hengzhezhezhe", "r": "hengzhegou", "s": "pie", "t": "wangou",
    "u": "shuwangou", "z": "shuzhezhegou",
}  # fmt: skip
"""Letters that stand for one stroke."""
_LONG_TAIL = 0.62
"""A falling part longer than this share of the level part is a 撇, a shorter one a hook."""
_LOW, _FLAT_BOTTOM = 0.13, 0.28
"""A 弯钩 runs along its bottom: how low (of its height) and how far (of its width)."""


def stroke_ids(char: str, letters: str, medians: Sequence[Median] | None) -> tuple[str, ...]:
    """Return the ids of a character's strokes in writing order.

    `letters`: one for each stroke. `medians`: of the same strokes; where they are absent or of
    another number, the letters e and o mean their commonest stroke. Raises ``ValueError`` for a
    letter that is not known.
    """
    if medians is not None and len(medians) != len(letters):
        medians = None
    return tuple(
        _stroke_id(char, letters, at, None if medians is None else medians[at])
        for at in range(len(letters))
    )


def _stroke_id(char: str, letters: str, at: int, median: Median | None) -> str:
    before, after = letters[at - 1 : at], letters[at + 1 : at + 2]
    match letters[at]:
        case letter if letter in ONE_STROKE:
            return ONE_STROKE[letter]
        case "w":
            return "hengpiewangou" if after == "f" else "hengzhezhezhegou"
        case "x":
            return "shuzhezhe" if char in "鼎鼐亞" else "shuzhepie"
        case "v":
            return "hengzhezhe" if char in "凹兕" else "hengzhewan"
        case "b":
            return "shuwan" if before == "s" and after in ("j", "b", "c") else "shuzhe"
        case "y":
            return "wogou" if before in ("k", "d") else "xiegou"
        case "e":
            return "hengpie" if median is None or _falls_far(median) else "henggou"
        case "o":
            return _o(char, median)
    raise ValueError(f"no stroke is known for letter {letters[at]!r} of {char!r} ({letters})")


def _o(char: str, median: Median | None) -> str:
    if char == "汛":
        return "hengxiegou"
    if char in "势执挚恐轨" or median is None or _runs_along_bottom(median):
        return "hengzhewangou"
    return "hengxiegou"


def _falls_far(median: Median) -> bool:
    """Return whether the part after the rightmost point is long."""
    rightmost = max(range(len(median)), key=lambda at: median[at][0])
    return _length(median[rightmost:]) > _LONG_TAIL * _length(median[: rightmost + 1])


def _runs_along_bottom(median: Median) -> bool:
    xs, ys = [point[0] for point in median], [point[1] for point in median]
    low, height = min(ys), max(ys) - min(ys) or 1
    bottom = [x for x, y in zip(xs, ys, strict=True) if y - low < _LOW * height]
    return max(bottom) - min(bottom) > _FLAT_BOTTOM * (max(xs) - min(xs))


def _length(line: Median) -> float:
    return sum(math.dist(a[:2], b[:2]) for a, b in pairwise(line))
