"""Plots as SVG: valid and harmless for any data and text, and drawn where the data are."""

from __future__ import annotations

import math
import re
from itertools import pairwise
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from heliostat.errors import PluginError
from heliostat.report import Plot, Series, draw
from heliostat.report.curves import Point, prepare, thin_cloud, thin_line

SVG = "{http://www.w3.org/2000/svg}"
HOSTILE = [
    "<script>alert(1)</script>",
    "\"'><img src=x onerror=alert(1)>",
    "a\0b",
    "]]>",
    "</style></svg>",
    "&amp;&#0;",
    "<!--",
    "javascript:alert(1)",
    "\ud800",
    "\u202e right to left",
]
STYLES = ("line", "step", "points")


def parse(svg: str) -> ElementTree.Element:
    return ElementTree.fromstring(svg)


def places(svg: str, series: int = 0) -> list[tuple[float, float]]:
    """Return where the markers of a series stand, in pixels."""
    marks = parse(svg).findall(f"{SVG}path[@class='hp-mark hp-{series}']")
    found = []
    for mark in marks:
        if mark.find(f"{SVG}title") is not None:  # the legend's marker has no tooltip
            match = re.match(r"M(\S+) ([\d.]+)", mark.attrib["d"])
            assert match
            found.append((float(match[1]), float(match[2])))
    return found


def frame(svg: str) -> tuple[float, float, float, float]:
    """Return left, top, right and bottom of the axes."""
    rect = parse(svg).find(f"{SVG}rect[@class='hp-frame']")
    assert rect is not None
    left, top, wide, high = (float(rect.attrib[k]) for k in ("x", "y", "width", "height"))
    return left, top, left + wide, top + high


def drawn_text(svg: str) -> list[str]:
    return [node.text or "" for node in parse(svg).iter(f"{SVG}text")]


def assert_harmless(svg: str) -> None:
    """Nothing fetched, nothing run, no number that is none."""
    for node in parse(svg).iter():
        name = node.tag.removeprefix(SVG)
        assert name in {"svg", "style", "text", "title", "path", "rect"}
        for attribute, value in node.attrib.items():
            assert "href" not in attribute and "src" not in attribute
            assert not attribute.startswith("on")
            if attribute != "aria-label":
                assert "url(" not in value and "nan" not in value and "inf" not in value
    style = parse(svg).find(f"{SVG}style")
    assert style is not None and style.text
    assert "url(" not in style.text and "@import" not in style.text


def one(y: list[float], **options: object) -> Plot:
    series = Series("s", list(range(len(y))), y)
    return Plot("t", "x", "y", [series], **options)  # type: ignore[arg-type]


@st.composite
def plots(draw_from: st.DrawFn) -> Plot:
    def column(count: int) -> list[float]:
        return draw_from(st.lists(st.floats(), min_size=count, max_size=count))

    text = st.text(max_size=40) | st.sampled_from(HOSTILE)
    series = []
    for _ in range(draw_from(st.integers(0, 3))):
        count = draw_from(st.integers(0, 8))
        low = column(count) if draw_from(st.booleans()) else None
        high = column(count) if draw_from(st.booleans()) else None
        style = draw_from(st.sampled_from(STYLES))
        series.append(Series(draw_from(text), column(count), column(count), low, high, style))
    x, y, title = draw_from(text), draw_from(text), draw_from(text)
    return Plot(title, x, y, series, draw_from(st.booleans()), draw_from(st.booleans()))


@settings(max_examples=200, deadline=None)
@given(plots())
def test_any_plot_is_valid_harmless_and_drawn_inside_its_axes(plot: Plot) -> None:
    svg = draw(plot)
    assert_harmless(svg)
    assert svg == draw(plot)
    left, top, right, bottom = frame(svg)
    for series in range(len(plot.series)):
        for x, y in places(svg, series):
            assert left - 0.1 <= x <= right + 0.1
            assert top - 0.1 <= y <= bottom + 0.1


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_is_shown_and_nothing_else(text: str) -> None:
    series = [Series(text, [1, 2], [1, 2]), Series(text, [1], [2], style="points")]
    svg = draw(Plot(text, text, text, series))
    assert_harmless(svg)
    expected = "".join("\ufffd" if c in "\0\ud800" else c for c in text)
    assert drawn_text(svg).count(expected) == 5
    svg.encode("utf-8")


def test_points_land_where_the_data_say() -> None:
    svg = draw(Plot("t", "x", "y", [Series("s", [0, 5, 10], [0.0, 0.25, 1.0])]))
    left, top, right, bottom = frame(svg)
    expected = [(left, bottom), ((left + right) / 2, bottom + (top - bottom) / 4), (right, top)]
    for found, wanted in zip(places(svg), expected, strict=True):
        assert found == pytest.approx(wanted, abs=0.11)


def test_equal_ratios_are_equal_distances_on_log_axes() -> None:
    points = Series("s", [1, 10, 100, 1000], [1e-4, 1e-2, 1.0, 100.0], style="points")
    found = places(draw(Plot("t", "x", "y", [points], log_x=True, log_y=True)))
    across = [b[0] - a[0] for a, b in pairwise(found)]
    up = [a[1] - b[1] for a, b in pairwise(found)]
    assert across == pytest.approx([across[0]] * 3, abs=0.21)
    assert up == pytest.approx([up[0]] * 3, abs=0.21)


@given(st.lists(st.floats(-1e6, 1e6), min_size=2, max_size=30))
def test_larger_values_are_drawn_higher(y: list[float]) -> None:
    heights = [place[1] for place in places(draw(one(y)))]
    ordered = [height for _, height in sorted(zip(y, heights, strict=True), reverse=True)]
    assert ordered == sorted(ordered)


def test_a_step_holds_its_value_until_the_next_x() -> None:
    svg = draw(Plot("t", "x", "y", [Series("s", [0, 5, 10], [2, 1, 0], style="step")]))
    line = parse(svg).findall(f"{SVG}path[@class='hp-line hp-0']")[-1]
    left, top, right, bottom = (f"{v:g}" for v in frame(svg))
    assert line.attrib["d"].startswith(f"M{left} {top}H")
    assert line.attrib["d"].endswith(f"H{right}V{bottom}")


def test_a_value_that_is_not_finite_leaves_a_gap_and_a_note() -> None:
    svg = draw(one([1.5, 2.0, math.nan, 3.0, 2.5, math.inf, 1.0]))
    line = parse(svg).findall(f"{SVG}path[@class='hp-line hp-0']")[-1]
    assert line.attrib["d"].count("M") == 2
    assert len(places(svg)) == 5
    assert "2 points are not finite and left out." in drawn_text(svg)


def test_a_log_axis_drops_what_it_cannot_show_and_says_so() -> None:
    svg = draw(one([1.0, 0.0, -3.0, 10.0], log_y=True))
    assert len(places(svg)) == 2
    assert "2 points are not positive and left out: the axis is logarithmic." in drawn_text(svg)


def test_a_band_down_to_zero_is_cut_at_the_foot_of_a_log_axis() -> None:
    series = Series("s", [0, 1], [0.1, 1.0], [-0.1, 0.5], [0.3, 2.0])
    svg = draw(Plot("t", "x", "y", [series], log_y=True))
    band = parse(svg).find(f"{SVG}path[@class='hp-band hp-0']")
    left, _, _, bottom = frame(svg)
    assert band is not None and f"L{left:g} {bottom:g}Z" in band.attrib["d"]
    assert any("cut at the edge" in text for text in drawn_text(svg))


def test_a_band_lies_around_its_line_and_inside_the_axes() -> None:
    series = Series("s", [0, 1, 2], [1, 2, 3], [0, 1, 2], [4, 5, 9])
    svg = draw(Plot("t", "x", "y", [series]))
    band = parse(svg).find(f"{SVG}path[@class='hp-band hp-0']")
    assert band is not None
    heights = [float(y) for y in re.findall(r"[ML]\S+ ([\d.]+)", band.attrib["d"])]
    _, top, _, bottom = frame(svg)
    assert len(heights) == 6
    assert top <= min(heights) and max(heights) == bottom
    for (_, y), high, low in zip(places(svg), heights[:3], heights[:2:-1], strict=True):
        assert high < y < low


def test_points_with_limits_get_bars() -> None:
    series = Series("s", [0, 1], [1, 2], [0, 1], [4, math.nan], style="points")
    bars = parse(draw(Plot("t", "x", "y", [series]))).find(f"{SVG}path[@class='hp-bar hp-0']")
    assert bars is not None and bars.attrib["d"].count("M") == 1


@pytest.mark.parametrize(
    "series",
    [
        [],
        [Series("s", [], [])],
        [Series("s", [math.nan], [1.0])],
        [Series("s", [10**400], [1])],
    ],
)
def test_a_plot_without_data_says_so(series: list[Series]) -> None:
    svg = draw(Plot("t", "x", "y", series))
    assert_harmless(svg)
    assert "no data to show" in drawn_text(svg)


def test_one_point_and_a_lone_point_between_gaps_are_visible() -> None:
    assert len(places(draw(one([3.0])))) == 1
    many = [math.sin(i) for i in range(500)]
    many[100] = many[102] = math.nan
    assert len(places(draw(one(many)))) == 1


def test_a_tooltip_names_series_and_values() -> None:
    series = Series("front", [1.5], [0.123456789], [0.1], [0.2], style="points")
    titles = [n.text for n in parse(draw(Plot("t", "x", "y", [series]))).iter(f"{SVG}title")]
    assert titles == ["front: 1.5, 0.12346 (0.1 to 0.2)"]


def test_long_labels_are_cut_and_kept_as_tooltips() -> None:
    long = "generations of the evolution " * 40
    svg = draw(Plot(long, long, long, [Series(long, [1, 2], [1, 2])]))
    assert all(len(text) < 140 for text in drawn_text(svg))
    assert long in [node.text for node in parse(svg).iter(f"{SVG}title")]


def test_many_points_stay_small_and_keep_their_extremes() -> None:
    y = [math.sin(i / 50.0) * i for i in range(50_000)]
    y[31_234], y[31_236] = 1e6, -1e6
    svg = draw(one(y))
    assert len(svg) < 40_000
    line = parse(svg).findall(f"{SVG}path[@class='hp-line hp-fine hp-0']")[-1].attrib["d"]
    heights = {float(height) for height in re.findall(r"[ML]\S+? ([\d.]+)", line)}
    _, top, _, bottom = frame(svg)
    assert {top, bottom} <= heights


def test_a_large_cloud_says_how_many_points_are_drawn() -> None:
    series = Series(
        "c", [i % 97 for i in range(9000)], [i % 89 for i in range(9000)], style="points"
    )
    svg = draw(Plot("t", "x", "y", [series]))
    count = len(places(svg))
    assert 200 < count <= 504
    assert f"c: {count} of 9000 points drawn, spread evenly." in drawn_text(svg)


@given(st.lists(st.floats(-1e3, 1e3), min_size=1, max_size=4000, unique=True))
@settings(max_examples=20, deadline=None)
def test_thinning_keeps_ends_and_extremes(y: list[float]) -> None:
    y = (y * (1 + 4000 // len(y)))[:4000]
    points = [Point(float(i), value) for i, value in enumerate(y)]
    kept = thin_line(points)
    assert {0, len(y) - 1, y.index(min(y)), y.index(max(y))} <= kept
    assert len(kept) <= 1300
    spread = [(i / 4000, (value + 1e3) / 2e3) for i, value in enumerate(y)]
    heights = [place[1] for place in spread]
    shown = {heights[i] for i in thin_cloud(spread)}
    assert {min(heights), max(heights)} <= shown


def test_a_legend_names_every_series_up_to_a_limit() -> None:
    series = [Series(f"seed {i}", [0, 1], [i, i]) for i in range(30)]
    shown = drawn_text(draw(Plot("t", "x", "y", series)))
    assert "seed 0" in shown and "seed 23" in shown and "seed 24" not in shown
    assert "and 6 more" in shown


def test_series_differ_by_more_than_their_colour() -> None:
    series = [Series(f"seed {i}", [0, 1], [i, i]) for i in range(8)]
    root = parse(draw(Plot("t", "x", "y", series)))
    dashes = [
        n.attrib["stroke-dasharray"] for n in root.findall(f"{SVG}path[@class='hp-line hp-0']")
    ]
    assert len(set(dashes)) == 2


@pytest.mark.parametrize(
    ("series", "said"),
    [
        (Series("s", [1, 2], [1]), "y has 1 values, expected 2"),
        (Series("s", [1], [1], low=[1, 2]), "low has 2 values, expected 1"),
        (Series("s", [1], [1], style="lines"), "did you mean 'line'?"),
        (Series("s", [1], [None]), "y\\[0\\] = None: expected a number"),  # type: ignore[list-item]
    ],
)
def test_a_malformed_series_is_named(series: Series, said: str) -> None:
    with pytest.raises(PluginError, match=f"plot 'loss', series 's'.*{said}"):
        prepare(Plot("loss", "x", "y", [series]))
