"""Marching squares: where contours run, which way round, and what they enclose."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from heliostat_methods.strokegan.tracing.contours import Contours, contours

MANY = settings(deadline=None, derandomize=True, max_examples=150)
GREYS = st.sampled_from([0.0, 0.2, 0.49, 0.51, 0.75, 1.0, 1e-12, 1 - 1e-12])


def windings(found: Contours, height: int, width: int):
    """Return how often contours run around each pixel's centre, clockwise below 0."""
    y, x = np.mgrid[:height, :width]
    x, y = x + 0.5, height - y - 0.5
    total = np.zeros((height, width), int)
    for polygon in found.polygons():
        for (x0, y0), (x1, y1) in zip(polygon, np.roll(polygon, -1, axis=0), strict=True):
            side = (x1 - x0) * (y - y0) - (x - x0) * (y1 - y0)
            total += ((y0 <= y) & (y1 > y) & (side > 0)).astype(int)
            total -= ((y0 > y) & (y1 <= y) & (side < 0)).astype(int)
    return total


def test_a_black_pixel_is_a_diamond_clockwise():
    image = np.ones((1, 3, 3))
    image[0, 0, 1] = 0.0
    (polygon,) = contours(image).polygons()
    expected = [(1.0, 2.5), (1.5, 3.0), (2.0, 2.5), (1.5, 2.0)]
    start = expected.index(tuple(polygon[0]))
    assert [tuple(p) for p in polygon] == expected[start:] + expected[:start]
    assert contours(image).areas().tolist() == [-0.5]


def test_a_hole_runs_against_its_outer_contour():
    image = np.ones((1, 7, 7))
    image[0, 1:6, 1:6], image[0, 3, 3] = 0.0, 1.0
    found = contours(image)
    assert sorted(found.areas()) == [-24.5, 0.5]


def test_vertices_lie_where_the_grey_crosses_the_level():
    image = np.array([[[1.0, 0.25, 0.0, 1.0]]])
    x = contours(image).points[:, 0]
    assert x.min() == pytest.approx(0.5 + 0.5 / 0.75)
    assert x.max() == pytest.approx(3.0)
    at_quarter = contours(image, level=0.25).points[:, 0]
    assert at_quarter.min() == pytest.approx(0.5 + 0.25 / 0.75)


@pytest.mark.parametrize(("corner", "joined"), [(0.0, 1), (0.45, 1), (0.55, 2), (1.0, 2)])
def test_the_mean_of_a_saddle_says_whether_ink_is_joined(corner, joined):
    """The mean of the four is a half where both white pixels are as grey as 0.5."""
    image = np.full((1, 4, 4), 1.0)
    image[0, 1, 1] = image[0, 2, 2] = 0.0
    image[0, 1, 2] = image[0, 2, 1] = max(corner, 0.51) if joined == 2 else 0.51
    image[0, 1, 1] = image[0, 2, 2] = 0.0 if joined == 1 else 0.49
    assert len(contours(image).image) == joined


def test_ink_at_the_edge_is_closed_by_white_outside():
    found = contours(np.zeros((1, 4, 6)))
    assert found.points[:, 0].min() == 0.0
    assert found.points[:, 0].max() == 6.0
    assert found.areas().tolist() == [-23.5]


def test_each_contour_knows_its_image():
    images = np.ones((4, 5, 5))
    images[1, 1, 1] = images[1, 3, 3] = images[3, 2, 2] = 0.0
    found = contours(images)
    assert found.image.tolist() == [1, 1, 3]
    assert len(found.polygons()) == 3
    assert contours(images[:1]).polygons() == []


def test_a_pixel_exactly_at_the_level_has_no_area():
    image = np.ones((1, 3, 3))
    image[0, 1, 1] = 0.5
    assert len(contours(image).image) == 0
    image[0, 1, 2] = 0.0
    assert len(contours(image).image) == 1


@MANY
@given(images=arrays(float, st.tuples(st.integers(1, 3), st.integers(1, 7), st.integers(1, 7)),
                     elements=GREYS))  # fmt: skip
def test_contours_enclose_exactly_the_pixels_that_are_ink(images):
    found = contours(images)
    assert np.isfinite(found.points).all()
    for k, image in enumerate(images):
        one = contours(images[k : k + 1])
        # a stack has the contours of its images
        mine = [p for p, i in zip(found.polygons(), found.image, strict=True) if i == k]
        assert all((p == q).all() for p, q in zip(mine, one.polygons(), strict=True))
        expected = np.where(1.0 - image >= 0.5, -1, 0)
        assert (windings(one, *image.shape) == expected).all()
    assert (found.areas() != 0).all()


@MANY
@given(images=arrays(float, (1, 5, 6), elements=st.floats(0, 1)), level=st.floats(1e-3, 1))
def test_any_greys_at_any_level_give_closed_contours(images, level):
    found = contours(images, level)
    assert np.isfinite(found.points).all()
    assert (np.diff(found.starts) >= 3).all()
    assert found.points.min(initial=0.0) >= -0.5
    assert found.points[:, 0].max(initial=0.0) <= 6.5


def test_the_area_is_that_of_the_ink(letters):
    found = contours(letters)
    ink = (1 - letters).sum()
    assert -found.areas().sum() == pytest.approx(ink, rel=0.01)


@pytest.mark.parametrize(
    ("images", "message"),
    [
        (np.ones((4, 4)), r"images: shape \(4, 4\), expected images \(N, H, W\)"),
        (np.ones((1, 4, 4), np.uint8), "images: uint8, expected floats"),
        (np.full((1, 4, 4), np.nan), "images: 16 values are not finite"),
        (np.full((1, 4, 4), -1.0), "images: values from -1 to -1, expected"),
        (np.ones((0, 4, 4)), r"images: shape \(0, 4, 4\), expected .* N at least 1"),
    ],
)
def test_what_is_no_image_is_refused(images, message):
    with pytest.raises(ValueError, match=message):
        contours(images)


@pytest.mark.parametrize("level", [0.0, -1.0, 1.5, float("nan")])
def test_a_level_outside_its_range_is_refused(level):
    with pytest.raises(ValueError, match=r"level: .* expected 0 < level <= 1"):
        contours(np.ones((1, 4, 4)), level)
