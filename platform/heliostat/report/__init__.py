"""Reports: sections of text, tables and plots, and how they become one HTML file.

A method returns `Section`s; `render` makes the file, `draw` a single plot.
"""

from heliostat.report.html import render
from heliostat.report.sections import HeatMap, Plot, Section, Series, Table, Text
from heliostat.report.svg import draw

__all__ = ["HeatMap", "Plot", "Section", "Series", "Table", "Text", "draw", "render"]
