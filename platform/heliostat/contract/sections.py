"""What a method's report is made of: tables, plots, pictures and paragraphs, as plain values.

A method returns sections; how they become HTML and SVG is `heliostat.report.html` and `.svg`.
docs/reports.md shows each of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal
from xml.etree import ElementTree

from heliostat.errors import PluginError, shown

SVG_ROOT = "{http://www.w3.org/2000/svg}svg"
"""The first element of an SVG file, in whose namespace a browser draws it."""

PNG_BEGINS = b"\x89PNG\r\n\x1a\n"

MOST_IMAGE_BYTES = 4_000_000
"""The largest PNG in a report: the page holds it as text, a third longer."""

MOST_PIXELS = 50_000_000
"""The most pixels of an image: a few bytes of PNG can ask a browser for gigabytes."""


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
    """One curve, point cloud or set of bars; NaN is a gap.

    `low` and `high` draw a band round a line and whiskers at points and bars; a step holds to the
    next x. Bars stand on zero; those of several series stand side by side.
    """

    label: str
    x: Sequence[float]
    y: Sequence[float]
    low: Sequence[float] | None = None
    high: Sequence[float] | None = None
    style: Literal["line", "step", "points", "bars"] = "line"


@dataclass(frozen=True)
class Plot:
    """Series in one pair of axes. `note` is the sentence under the plot that says what to see.

    With `categories` the x axis has their names, and a series' x counts them from 0. `equal` draws
    one unit as long across as up, for places in a plane and for what is compared with a diagonal.
    """

    title: str
    x_label: str
    y_label: str
    series: Sequence[Series]
    log_x: bool = False
    log_y: bool = False
    note: str = ""
    categories: Sequence[str] = ()
    equal: bool = False


@dataclass(frozen=True)
class HeatMap:
    """A value at every place of a grid, as shades; `values` are rows by y, from below.

    Places are numbers or names. Values that are not finite stay empty. `note` is the sentence under
    it that says what to see.
    """

    title: str
    x_label: str
    y_label: str
    x: Sequence[float] | Sequence[str]
    y: Sequence[float] | Sequence[str]
    values: Sequence[Sequence[float]]
    note: str = ""


@dataclass(frozen=True)
class Frames:
    """One picture at several moments: plots in the same axes, of which a reader chooses one.

    `names` are those of the moments, a button each; the last is shown first. On paper the first and
    the last stand under one another. `title` says what is chosen, `note` what to see. Raises
    PluginError where names and plots are not as many, or none.
    """

    title: str
    names: Sequence[str]
    plots: Sequence[Plot]
    note: str = ""

    def __post_init__(self) -> None:
        if isinstance(self.names, str) or not 0 < len(self.names) == len(self.plots):
            raise PluginError(
                f"Frames {shown(self.title)}: {len(self.names)} names = {shown(self.names)} for "
                f"{len(self.plots)} plots, expected one for each, and one at least"
            )


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
class Image:
    """A picture of pixels: the bytes of a PNG file, of MOST_IMAGE_BYTES at most.

    `heliostat.report.png` makes one of an array. Each pixel is drawn `scale` times as wide and as
    tall, with sharp edges, where the page is wide enough. `note` and `title` are as for a Picture.
    Raises PluginError for bytes that are no PNG, and for one too large.
    """

    title: str
    png: bytes
    note: str = ""
    scale: int = 1

    def __post_init__(self) -> None:
        png = self.png
        if not isinstance(png, bytes) or png[:8] != PNG_BEGINS or png[12:16] != b"IHDR":
            raise PluginError(f"Image.png = {shown(png)}: expected the bytes of a PNG file")
        if len(png) > MOST_IMAGE_BYTES:
            raise PluginError(
                f"Image.png has {len(png):,} bytes, expected at most {MOST_IMAGE_BYTES:,}: "
                "draw fewer pixels, or keep it as a product with run.save"
            )
        width, height = self.size
        if not 0 < width * height <= MOST_PIXELS:
            raise PluginError(
                f"Image.png is {width} x {height} pixels, expected 1 to {MOST_PIXELS:,} of them"
            )
        whole = isinstance(self.scale, int) and not isinstance(self.scale, bool)
        if not whole or not 1 <= self.scale <= 64:
            raise PluginError(f"Image.scale = {shown(self.scale)}: expected a number from 1 to 64")

    @property
    def size(self) -> tuple[int, int]:
        """Width and height in pixels."""
        return int.from_bytes(self.png[16:20], "big"), int.from_bytes(self.png[20:24], "big")


@dataclass(frozen=True)
class Folded:
    """What is shown once its title is clicked: long tables, settings nobody changed."""

    title: str
    content: Sequence[Text | Table | Plot | Frames | HeatMap | Picture | Image]


Block = Text | Table | Plot | Frames | HeatMap | Picture | Image | Folded
"""What may stand in a section."""


@dataclass(frozen=True)
class Section:
    """A heading with what stands under it."""

    title: str
    content: Sequence[Block]
