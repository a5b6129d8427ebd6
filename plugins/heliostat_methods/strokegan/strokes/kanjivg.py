"""Strokes from KanjiVG, for traditional characters that the table lacks.

KanjiVG (Copyright Ulrich Apel, Creative Commons Attribution-Share Alike 3.0) is read from the
installed package `kanjivg` and never copied: what is made from its strokes comes under the same
licence. Of Big5 level 1 it has 1,578 of the 2,028 characters that the table lacks.

It draws Japanese forms, and its types are coarser than the 32 strokes, so these codes are
approximate: of 3,391 characters that both know 70.2% have the same one-bit code, and 1.6% of the
bits differ, most often 提, 点, 横撇, 竖钩 and 弯钩. `APPROXIMATE` names the strokes that a type
merges. Score stroke errors of traditional characters with that in mind, or not at all.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from importlib import metadata
from pathlib import Path

PACKAGE = "kanjivg"
COMMAND = f"pip install {PACKAGE}"

_TYPES = {
    "㇐": "heng", "㇑": "shu", "㇒": "pie", "㇓": "pie", "㇔": "dian", "㇏": "na", "㇀": "ti",
    "㇕": "hengzhe", "㇆": "hengzhegou", "㇇": "hengpie", "㇖": "henggou", "㇜": "piezhe",
    "㇚": "shugou", "㇟": "shuwangou", "㇁": "wangou", "㇛": "piedian", "㇙": "shuti",
    "㇂": "xiegou", "㇃": "wogou", "㇋": "hengzhezhepie", "㇉": "shuzhezhegou", "㇄": "shuzhe",
    "㇗": "shuzhe", "㇈": "hengzhewangou", "㇞": "shuzhezhe", "㇡": "hengzhezhezhegou",
    "㇅": "hengzhezhe", "６": "ti", "一": "heng",
}  # fmt: skip
# A letter after the sign tells variants of a type apart; only these are other strokes of the 32.
_VARIANTS = {"㇟a": "shuwan", "㇟b": "wogou", "㇈a": "hengxiegou", "㇈b": "hengzhewan"}
_SHORT = 16.0
"""A ㇑a that falls less than this, of 109 units, is the dot on top of 亠 and 宀."""
APPROXIMATE = frozenset(
    {
        "wangou", "shugou", "hengzhewan", "hengzhewangou", "hengpie", "henggou", "hengpiewangou",
        "shuzhe", "piezhe", "shuzhepie", "hengzheti", "hengzhezhezhe", "ti", "dian",
    }
)  # fmt: skip
"""Ids of strokes that KanjiVG's types merge with another or do not have."""

_PATH = re.compile(r"<path\b[^>]*>")
_TYPE, _LINE = re.compile(r'kvg:type="([^"]+)"'), re.compile(r'\sd="([^"]*)"')
_COMMAND = re.compile(r"([A-Za-z])([^A-Za-z]*)")
_NUMBER = re.compile(r"-?\d*\.?\d+")
_VALUES = {"m": 2, "l": 2, "s": 4, "c": 6}
"""How many numbers each command of KanjiVG's paths takes; the last two are a point."""


class KanjiVGStrokes(Mapping[str, tuple[str, ...]]):
    """The strokes of each character in Japanese writing order, read when asked for.

    `folder`: where the SVG files lie, named by code point.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._read: dict[str, tuple[str, ...]] = {}

    def __getitem__(self, char: str) -> tuple[str, ...]:
        if char not in self._read:
            try:
                text = (self.folder / f"{ord(char):05x}.svg").read_text(encoding="utf-8")
                self._read[char] = strokes_of_svg(text)
            except (OSError, ValueError, TypeError):  # TypeError: more than one character
                raise KeyError(char) from None
        return self._read[char]

    def __iter__(self) -> Iterator[str]:
        names = sorted(file.stem for file in self.folder.glob("?????.svg"))
        return (chr(int(name, 16)) for name in names)

    def __len__(self) -> int:
        return sum(1 for _ in self)


def kanjivg_strokes() -> KanjiVGStrokes:
    """Return the strokes of the installed package `kanjivg`.

    Raises ``ImportError`` that says how to get it where it is not installed.
    """
    try:
        folder = Path(str(metadata.distribution(PACKAGE).locate_file("kanji")))
    except metadata.PackageNotFoundError:
        folder = None
    if folder is None or not folder.is_dir():
        raise ImportError(
            f"strokes of other characters come from the package {PACKAGE} (KanjiVG, CC BY-SA 3.0), "
            f"which is not installed: {COMMAND}"
        )
    return KanjiVGStrokes(folder)


def strokes_of_svg(text: str) -> tuple[str, ...]:
    """Return the ids of the strokes of one of KanjiVG's files, in writing order.

    Raises ``ValueError`` for a file without strokes and for a type that is not known.
    """
    found = [_stroke_id(path) for path in _PATH.findall(text)]
    if not found:
        raise ValueError("the file has no strokes")
    return tuple(found)


def _stroke_id(path: str) -> str:
    named, line = _TYPE.search(path), _LINE.search(path)
    if named is None or line is None:
        raise ValueError(f"a path has no type or no line: {path}")
    # "㇔/㇏": drawn as the first, in other forms as the second
    kind = named[1].split("/")[0]
    if kind == "㇑a" and _fall(line[1]) < _SHORT:
        return "dian"
    found = _VARIANTS.get(kind) or _TYPES.get(kind[:1])
    if found is None:
        raise ValueError(f"stroke type {kind!r} is not known")
    return found


def _fall(line: str) -> float:
    """Return how far a path's end lies from its beginning vertically."""
    ys: list[float] = []
    for command, text in _COMMAND.findall(line):
        numbers = [float(one) for one in _NUMBER.findall(text)]
        size = _VALUES.get(command.lower())
        if size is None or len(numbers) % size:
            raise ValueError(f"a path of KanjiVG is not understood: {line}")
        for end in numbers[size - 1 :: size]:
            ys.append(end + ys[-1] if command.islower() and ys else end)
    return abs(ys[-1] - ys[0]) if ys else 0.0
