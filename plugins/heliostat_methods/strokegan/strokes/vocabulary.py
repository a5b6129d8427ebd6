"""The 32 basic strokes, 6 flat and 26 folded, and the two orders in which they are counted.

`canonical` is the order of the label files of StrokeGAN's authors (arXiv 2012.08687), found by
matching the frequencies of all 32 columns. `difffont` is that of Diff-Font's count files, whose
columns 29 and 30 are all zero, so the order of these two is a convention of ours.
"""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

Order = Literal["canonical", "difffont"]
ORDERS: tuple[Order, ...] = get_args(Order)
STROKES = 32
"""How many there are: the length of a code."""


@dataclass(frozen=True)
class Stroke:
    """One of the 32 strokes."""

    id: str
    """Its name in letters without tones, by which everything else finds it."""
    name: str
    """Its Chinese name."""
    codepoint: int
    """Of Unicode's block CJK Strokes; never a key, since older tables lack the last of them."""
    examples: str
    """Characters that have it."""


CANONICAL: tuple[Stroke, ...] = (
    Stroke("heng", "横", 0x31D0, "一"),
    Stroke("ti", "提", 0x31C0, "我地"),
    Stroke("shu", "竖", 0x31D1, "十"),
    Stroke("shugou", "竖钩", 0x31DA, "丁"),
    Stroke("pie", "撇", 0x31D2, "人"),
    Stroke("dian", "点", 0x31D4, "主"),
    Stroke("na", "捺", 0x31CF, "人"),
    Stroke("henggou", "横钩", 0x31D6, "买子"),
    Stroke("hengpie", "横撇", 0x31C7, "又水"),
    Stroke("hengzhe", "横折", 0x31D5, "口"),
    Stroke("hengzhegou", "横折钩", 0x31C6, "月刀"),
    Stroke("hengzheti", "横折提", 0x31CA, "计"),
    Stroke("hengzhezhe", "横折折", 0x31C5, "凹"),
    Stroke("hengzhewan", "横折弯", 0x31CD, "没朵"),
    Stroke("hengzhewangou", "横折弯钩", 0x31C8, "九几乙"),
    Stroke("hengxiegou", "横斜钩", 0x31E0, "风飞"),
    Stroke("hengzhezhepie", "横折折撇", 0x31CB, "及建"),
    Stroke("hengzhezhezhe", "横折折折", 0x31CE, "凸"),
    Stroke("hengzhezhezhegou", "横折折折钩", 0x31E1, "乃杨"),
    Stroke("hengpiewangou", "横撇弯钩", 0x31CC, "队阳"),
    Stroke("shuti", "竖提", 0x31D9, "民长"),
    Stroke("shuwan", "竖弯", 0x31C4, "四西"),
    Stroke("shuwangou", "竖弯钩", 0x31DF, "儿龙"),
    Stroke("shuzhe", "竖折", 0x31D7, "山区"),
    Stroke("shuzhezhe", "竖折折", 0x31DE, "鼎"),
    Stroke("shuzhezhegou", "竖折折钩", 0x31C9, "马弓"),
    Stroke("shuzhepie", "竖折撇", 0x31E5, "专"),
    Stroke("piezhe", "撇折", 0x31DC, "么"),
    Stroke("piedian", "撇点", 0x31DB, "女"),
    Stroke("wangou", "弯钩", 0x31C1, "狗"),
    Stroke("xiegou", "斜钩", 0x31C2, "我代"),
    Stroke("wogou", "卧钩", 0x31C3, "心"),
)
_DIFFFONT = (
    "dian", "heng", "shu", "pie", "na", "ti", "piedian", "shuti", "hengzheti", "wangou", "shugou",
    "shuwangou", "xiegou", "wogou", "henggou", "hengzhegou", "hengzhewangou", "hengpiewangou",
    "hengzhezhezhegou", "shuzhezhegou", "shuwan", "hengzhewan", "hengzhe", "shuzhe", "piezhe",
    "hengpie", "hengzhezhepie", "shuzhepie", "shuzhezhe", "hengxiegou", "hengzhezhe",
    "hengzhezhezhe",
)  # fmt: skip
_BY_ID = {stroke.id: stroke for stroke in CANONICAL}


class StrokeVocabulary:
    """The strokes in one order: which column of a code (32,) each has.

    Raises ``ValueError`` for an order that is not known, with those that are.

    >>> StrokeVocabulary().index("shugou"), StrokeVocabulary("difffont").index("shugou")
    (3, 10)
    """

    def __init__(self, order: Order = "canonical") -> None:
        if order not in ORDERS:
            raise ValueError(f"order must be one of {', '.join(ORDERS)}, got {order!r}")
        self.order: Order = order
        self.strokes: tuple[Stroke, ...] = (
            CANONICAL if order == "canonical" else tuple(_BY_ID[name] for name in _DIFFFONT)
        )
        self.ids: tuple[str, ...] = tuple(stroke.id for stroke in self.strokes)
        self._index = {name: column for column, name in enumerate(self.ids)}

    def __len__(self) -> int:
        return STROKES

    def __repr__(self) -> str:
        return f"StrokeVocabulary({self.order!r})"

    def index(self, id: str) -> int:
        """Return a stroke's column, 0..31.

        Raises ``ValueError`` for an id that is not known, with the nearest and with all.
        """
        self.stroke(id)
        return self._index[id]

    def stroke(self, id: str) -> Stroke:
        """Return a stroke by its id; raises as `index`."""
        if isinstance(id, str) and id in _BY_ID:
            return _BY_ID[id]
        near = difflib.get_close_matches(str(id), self.ids, 1)
        hint = f"; did you mean {near[0]!r}?" if near else ""
        raise ValueError(f"stroke id must be one of {', '.join(self.ids)}, got {id!r}{hint}")

    def at(self, index: int) -> Stroke:
        """Return the stroke of a column; raises ``ValueError`` outside 0..31."""
        if not 0 <= index < STROKES:
            raise ValueError(f"index must be from 0 to {STROKES - 1}, got {index}")
        return self.strokes[index]

    def columns_of(self, other: StrokeVocabulary) -> NDArray[np.intp]:
        """Return the columns (32,) that turn codes of another order into this one's.

        ``codes[..., here.columns_of(there)]`` are the codes of `there` in the order of `here`.
        """
        return np.array([other.index(name) for name in self.ids], dtype=np.intp)
