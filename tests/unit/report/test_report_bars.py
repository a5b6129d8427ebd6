"""Bars, categories, equal axes, images and what is folded: drawn where the data are, or refused."""

from __future__ import annotations

import base64
import math
import re
import zlib
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from heliostat.contract import sections
from heliostat.errors import PluginError
from heliostat.report import Folded, Image, Plot, Section, Series, Table, draw, png, render

SVG = "{http://www.w3.org/2000/svg}"
BAR = re.compile(r"M(\S+) (\S+)V(\S+)H(\S+)V(\S+)z")


def bars(svg: str, series: int = 0) -> list[tuple[float, float, float, float]]:
    """Return left, foot, top and right of each bar of a series, in pixels."""
    found = []
    for path in ElementTree.fromstring(svg).iter(f"{SVG}path"):
        if path.get("class") == f"hp-fill hp-{series}":
            for match in BAR.finditer(path.attrib["d"]):
                left, foot, top, right, _ = map(float, match.groups())
                found.append((left, foot, top, right))
    return found


def frame(svg: str) -> tuple[float, float, float, float]:
    """Return left, top, width and height of the axes."""
    rect = ElementTree.fromstring(svg).find(f"{SVG}rect[@class='hp-frame']")
    assert rect is not None
    return tuple(float(rect.attrib[k]) for k in ("x", "y", "width", "height"))  # type: ignore[return-value]


def texts(svg: str) -> list[str]:
    return ["".join(node.itertext()) for node in ElementTree.fromstring(svg).iter(f"{SVG}text")]


def plot(*series: Series, **more: Any) -> Plot:
    return Plot("t", "x", "y", series, **more)


def by_name(*heights: list[float], **more: Any) -> Plot:
    series = [Series(f"s{n}", range(len(h)), h, style="bars") for n, h in enumerate(heights)]
    return plot(*series, categories=[f"c{n}" for n in range(len(heights[0]))], **more)


def test_bars_stand_on_zero_and_are_as_tall_as_their_values() -> None:
    one, two, down = bars(draw(by_name([1.0, 2.0, -1.0])))
    assert one[1] == two[1] == down[1]
    assert two[1] - two[2] == pytest.approx(2 * (one[1] - one[2]), abs=0.3)
    assert down[2] - down[1] == pytest.approx(one[1] - one[2], abs=0.3)


def test_bars_of_several_series_stand_side_by_side() -> None:
    svg = draw(by_name([1.0, 2.0], [2.0, 1.0]))
    first, second = bars(svg, 0), bars(svg, 1)
    assert first[0][3] == second[0][0] < second[0][3] < first[1][0]


def test_a_histogram_has_its_bars_within_the_axes() -> None:
    svg = draw(plot(Series("rows", [0.1, 0.2, 0.3], [5, 9, 2], style="bars")))
    left, _, wide, _ = frame(svg)
    found = bars(svg)
    assert left <= found[0][0] and found[-1][3] <= left + wide
    widths = [right - at for at, _, _, right in found]
    assert max(widths) - min(widths) < 0.3


def test_a_bar_tells_its_category_value_and_interval() -> None:
    one = Series("s", [0], [2.0], [1.5], [2.5], "bars")
    svg = draw(plot(one, categories=["cat"]))
    assert "<title>s: cat, 2 (1.5 to 2.5)</title>" in svg
    assert svg.count("hp-whisker") == 2  # the style and the whisker


def test_a_thousand_bars_are_one_path_without_tooltips() -> None:
    svg = draw(plot(Series("s", range(1000), [1.0] * 1000, style="bars")))
    assert len(bars(svg)) == 1000
    assert svg.count("<title>") == 0


def test_every_category_is_named_and_long_names_are_slanted() -> None:
    names = [f"a data set with a long name, number {n}" for n in range(8)]
    short, long = (draw(plot(Series("s", range(8), range(8)), categories=n))
                   for n in (list("abcdefgh"), names))  # fmt: skip
    assert [text for text in texts(short) if text in "abcdefgh"] == list("abcdefgh")
    assert "rotate(-40" in long and "rotate(-40" not in short
    assert all(name in long for name in names)  # cut ones keep the whole as a tooltip


def test_categories_do_not_move_points() -> None:
    svg = draw(plot(Series("s", [0, 1], [1, 1], style="points"), categories=["a", "b"]))
    left, _, wide, _ = frame(svg)
    places = [float(x) for x in re.findall(r'hp-mark hp-0" d="M(\S+) \S+m[^"]*"><title', svg)]
    assert places == pytest.approx([left + wide / 4, left + 3 * wide / 4], abs=0.2)


@pytest.mark.parametrize("wide", [720, 360])
@pytest.mark.parametrize("log", [False, True])
def test_equal_axes_have_one_unit_as_long_across_as_up(wide: float, log: bool) -> None:
    series = Series("s", [1, 10, 100], [10, 10, 100], style="points")
    svg = draw(plot(series, equal=True, log_x=log, log_y=log), wide)
    at = [(float(x), float(y)) for x, y in re.findall(r'd="M(\S+) (\S+)m[^"]*"><title', svg)]
    across, up = at[2][0] - at[1][0], at[1][1] - at[2][1]
    assert across == pytest.approx(up, abs=0.3)
    left, _, width, height = frame(svg)
    assert left + width <= wide
    assert height <= 420.1


def test_equal_axes_of_flat_data_keep_a_height_that_can_be_seen() -> None:
    svg = draw(plot(Series("s", [0, 1000], [5, 5], style="points"), equal=True))
    assert frame(svg)[3] > 100


@settings(max_examples=100, deadline=None)
@given(
    st.lists(st.floats(), min_size=1, max_size=6),
    st.booleans(),
    st.sampled_from([360.0, 720.0]),
)
def test_any_bars_and_equal_axes_are_numbers_within_the_picture(
    values: list[float], log: bool, wide: float
) -> None:
    style = Series("s", values, values[::-1], style="bars")
    for one in (
        plot(style, log_y=log),
        plot(Series("s", values, values[::-1], style="points"), equal=True, log_x=log, log_y=log),
        by_name(values, log_y=log),
    ):
        svg = draw(one, wide)
        assert "nan" not in svg and "inf" not in svg
        left, _, width, _ = frame(svg)
        for at, _, _, right in bars(svg):
            assert left - 0.1 <= at <= right <= left + width + 0.1


@pytest.mark.parametrize(
    "wrong, said",
    [
        ({"categories": ["a"], "log_x": True}, "log_x = True, expected False with bars or cat"),
        ({"categories": ["a"], "equal": True}, "equal = True, expected two axes of numbers"),
        ({"equal": True, "log_y": True}, "equal = True, expected two axes of numbers"),
        ({"categories": "ab"}, "categories = 'ab', expected a list of names"),
        ({"categories": ["a", "b"]}, "x = 3, expected the number of one of 2 categories, from 0"),
    ],
)
def test_axes_that_cannot_be_are_refused(wrong: dict[str, Any], said: str) -> None:
    with pytest.raises(PluginError, match=re.escape(said)):
        draw(plot(Series("s", [0, 3], [1, 2]), **wrong))


def test_png_holds_the_pixels() -> None:
    pixels = np.arange(24, dtype=np.uint8).reshape(2, 4, 3)
    made = png(pixels)
    data = made[made.index(b"IDAT") + 4 : made.index(b"IEND") - 8]
    rows = zlib.decompress(data)
    assert [rows[0], rows[13]] == [0, 0]
    assert rows[1:13] + rows[14:] == pixels.tobytes()
    assert Image("t", made).size == (4, 2)
    image_module = pytest.importorskip("PIL.Image")
    import io

    assert np.array_equal(np.asarray(image_module.open(io.BytesIO(made))), pixels)


@pytest.mark.parametrize(
    "pixels", [np.zeros((2, 2)), np.zeros((2, 2, 2), np.uint8), np.zeros(4, np.uint8), [[1]]]
)
def test_what_is_no_array_of_pixels_is_refused(pixels: Any) -> None:
    with pytest.raises(PluginError, match="expected uint8 of shape"):
        png(pixels)


def test_an_image_is_held_by_the_page_and_drawn_with_sharp_edges() -> None:
    made = png(np.zeros((3, 5), np.uint8))
    page = render("t", [Section("s", [Image("dark <b>", made, "night", scale=4)])])
    found = ElementTree.fromstring(page).find(".//img")
    assert found is not None
    assert (found.get("width"), found.get("height"), found.get("alt")) == ("20", "12", "dark <b>")
    kind, _, text = found.attrib["src"].partition(",")
    assert kind == "data:image/png;base64"
    assert base64.b64decode(text) == made


def test_images_that_are_none_or_too_large_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    made = png(np.zeros((3, 5), np.uint8))
    for bad in (b"GIF89a" + made, "text", made[:10]):
        with pytest.raises(PluginError, match="expected the bytes of a PNG file"):
            Image("t", bad)  # type: ignore[arg-type]
    with pytest.raises(PluginError, match="scale = 0: expected a number from 1 to 64"):
        Image("t", made, scale=0)
    huge = made[:16] + (10**6).to_bytes(4, "big") * 2 + made[24:]
    with pytest.raises(PluginError, match="1000000 x 1000000 pixels"):
        Image("t", huge)
    monkeypatch.setattr(sections, "MOST_IMAGE_BYTES", len(made) - 1)
    with pytest.raises(PluginError, match=r"with run\.save"):
        Image("t", made)


def test_what_is_folded_is_in_the_page_below_its_title() -> None:
    page = render("t", [Section("s", [Folded("all <b>", [Table(["a"], [[math.pi]])])])])
    details = ElementTree.fromstring(page).find(".//details")
    assert details is not None
    assert details.get("open") is None
    assert details.findtext("summary") == "all <b>"
    assert details.findtext(".//td") == "3.1416"
