"""Corners: found where there are some, not on what is round."""

from __future__ import annotations

import numpy as np
import pytest

from heliostat_methods.strokegan.tracing.contours import contours
from heliostat_methods.strokegan.tracing.corners import corners, turns


def disc(radius, side=64):
    y, x = np.mgrid[: side * 4, : side * 4] / 4 + 1 / 8 - side / 2
    return (np.hypot(x, y) > radius).astype(float).reshape(1, side, 4, side, 4).mean(axis=(2, 4))


@pytest.mark.parametrize("radius", [9.0, 14.0, 25.3])
def test_a_disc_has_no_corner(radius):
    assert not corners(contours(disc(radius))).any()


def test_a_square_has_four_at_its_corners():
    image = np.ones((1, 40, 40))
    image[0, 10:30, 8:33] = 0.0
    found = contours(image)
    at = found.points[corners(found)]
    assert len(at) == 4
    for x in (8.0, 33.0):
        for y in (10.0, 30.0):
            assert np.hypot(*(at - [x, y]).T).min() < 1.0


def test_a_clockwise_contour_turns_once_to_the_right():
    found = contours(disc(12.0))
    total = turns(found).sum() / 3  # each turn is seen over three steps
    assert total == pytest.approx(-2 * np.pi, rel=0.05)


def test_the_smallest_contours_and_none_are_taken():
    image = np.ones((1, 5, 5))
    image[0, 2, 2] = 0.0
    assert corners(contours(image)).shape == (4,)
    assert corners(contours(np.ones((1, 5, 5)))).tolist() == []


@pytest.mark.parametrize("sharp", [0.0, 3.2, float("nan")])
def test_an_angle_outside_its_range_is_refused(sharp):
    with pytest.raises(ValueError, match=r"sharp: .* expected radians between 0 and pi"):
        corners(contours(disc(5.0)), sharp)
