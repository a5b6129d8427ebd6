"""Reports: sections of text, tables and plots, and how they become one HTML file.

A method returns `Section`s; `render` makes the file, `draw` a single plot, `png` an image's bytes;
`studies` are a run's trials as Optuna has them.
"""

from heliostat.contract.sections import (
    Block,
    Folded,
    Frames,
    HeatMap,
    Image,
    Picture,
    Plot,
    Section,
    Series,
    Table,
    Text,
)
from heliostat.report.html import render
from heliostat.report.pixels import png
from heliostat.report.studies import importances, studies
from heliostat.report.svg import draw

__all__ = [
    "Block",
    "Folded",
    "Frames",
    "HeatMap",
    "Image",
    "Picture",
    "Plot",
    "Section",
    "Series",
    "Table",
    "Text",
    "draw",
    "importances",
    "png",
    "render",
    "studies",
]
