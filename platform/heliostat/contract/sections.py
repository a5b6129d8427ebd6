"""What a method's report is made of: tables, plots and paragraphs, as plain values.

A method returns sections; how they become HTML and SVG is `heliostat.report.html` and `.svg`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal
from xml.etree import ElementTree

from heliostat.errors import PluginError, shown

SVG_ROOT = "{http://www.w3.org/2000/svg}svg"
"""The first element of an SVG file, in whose namespace a browser draws it."""


@dataclass(frozen=True)
class Text:
    """A paragraph. `code` shows it verbatim in a fixed font (a command, a formula).

    `strong` shows it in bold: what a reader must not miss.
    """

    body: str
    code: bool = False
    strong: bool = False


@dataclass(frozen=True)
class Table:
    """Rows under column heads. Cells are shown as they are; numbers are right-aligned."""

    columns: Sequence[str]
    rows: Sequence[Sequence[str | int | float | None]]
    caption: str = ""


@dataclass(frozen=True)
class Series:
    """One curve or point cloud; NaN is a gap.

    `low` and `high` draw a band round a line and bars at points; a step holds to the next x.
    """

    label: str
    x: Sequence[float]
    y: Sequence[float]
    low: Sequence[float] | None = None
    high: Sequence[float] | None = None
    style: Literal["line", "step", "points"] = "line"


@dataclass(frozen=True)
class Plot:
    """Series in one pair of axes. `note` is the sentence under the plot that says what to see."""

    title: str
    x_label: str
    y_label: str
    series: Sequence[Series]
    log_x: bool = False
    log_y: bool = False
    note: str = ""


@dataclass(frozen=True)
class HeatMap:
    """A value at every place of a grid, as shades; `values` are rows by y, from below.

    Values that are not finite stay empty. `note` is the sentence under it that says what to see.
    """

    title: str
    x_label: str
    y_label: str
    x: Sequence[float]
    y: Sequence[float]
    values: Sequence[Sequence[float]]
    note: str = ""


@dataclass(frozen=True)
class Picture:
    """A picture that another library has drawn: `svg` is the text of an SVG file.

    It is shown as an image, so nothing in it runs or fetches anything. `note` is the sentence under
    it that says what to see; `title` is what stands for it where it cannot be seen. Raises
    PluginError for a text that is no SVG.
    """

    title: str
    svg: str
    note: str = ""

    def __post_init__(self) -> None:
        try:
            root = ElementTree.fromstring(self.svg).tag
        except (ElementTree.ParseError, TypeError, ValueError) as error:
            root = str(error)
        if root != SVG_ROOT:
            raise PluginError(
                f"Picture.svg = {shown(self.svg)}: expected the text of an SVG file, "
                f'<svg xmlns="http://www.w3.org/2000/svg" ...>, found {shown(root)}'
            )


@dataclass(frozen=True)
class Section:
    """A heading with what stands under it."""

    title: str
    content: Sequence[Text | Table | Plot | HeatMap | Picture]
