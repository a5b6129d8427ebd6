"""Heat maps: one shade a place, darkest where the value is highest, gaps told."""

from __future__ import annotations

import math
import xml.etree.ElementTree as ET

import pytest

from heliostat.errors import PluginError
from heliostat.report import HeatMap, Section, render
from heliostat.report.heat import draw_heat

SVG = "{http://www.w3.org/2000/svg}"


def shades(values: list[list[float]]) -> dict[str, float]:
    """Return the opacity of every cell by what it tells."""
    heat = HeatMap("plane", "a <b>", "b", [0.0, 1.0], [5.0, 6.0], values, note="see")
    root = ET.fromstring(draw_heat(heat))
    cells = [rect for rect in root.iter(f"{SVG}rect") if ":" in rect[0].text]  # type: ignore[operator]
    return {str(rect[0].text): float(rect.attrib["fill-opacity"]) for rect in cells}


def test_the_highest_value_is_darkest_and_the_lowest_still_visible() -> None:
    found = shades([[1.0, 2.0], [3.0, 5.0]])
    assert found["1, 6: 5"] == 1.0
    assert 0 < found["0, 5: 1"] < found["1, 5: 2"] < found["0, 6: 3"] < 1


def test_a_value_that_is_not_finite_leaves_a_gap() -> None:
    found = shades([[1.0, math.nan], [math.inf, 2.0]])
    assert list(found) == ["0, 5: 1", "1, 6: 2"]
    heat = HeatMap("plane", "a", "b", [0.0], [0.0], [[math.nan]])
    assert "1 not finite" in draw_heat(heat)


def test_a_report_holds_the_map_with_its_note() -> None:
    heat = HeatMap("plane <x>", "a", "b", [0.0], [0.0], [[1.0]], note="a basin")
    page = render("report", [Section("around", [heat])])
    ET.fromstring(page.split("\n", 1)[1])
    assert page.count("<svg") == 2  # for a page and for a phone
    assert "<figcaption>a basin</figcaption>" in page
    assert "plane &lt;x&gt;" in page


def test_rows_that_do_not_fit_are_refused() -> None:
    with pytest.raises(PluginError, match="'plane': 1 rows of \\[2\\] values for 1 x 1 places"):
        draw_heat(HeatMap("plane", "a", "b", [0.0], [0.0], [[1.0, 2.0]]))
