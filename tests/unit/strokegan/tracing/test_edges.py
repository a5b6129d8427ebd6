"""The edge between two pixels: exact for what is drawn by covering, else linear."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from heliostat_methods.strokegan.tracing.contours import contours
from heliostat_methods.strokegan.tracing.edges import covering_edge, linear_edge

MANY = settings(deadline=None, derandomize=True, max_examples=100)


def half_plane(slope, height, side=16, fine=64):
    """Return an image (1, side, side) of all below y = height + slope x as ink."""
    at = (np.arange(side * fine) + 0.5) / fine
    black = side - at[:, None] < height + slope * at
    return 1.0 - black.astype(float).reshape(1, side, fine, side, fine).mean(axis=(2, 4))


def off(image, slope, height, edge):
    """Return how far vertices of the slanted edge are off, away from the image's own edges."""
    x, y = contours(image, edge=edge).points.T
    inner = (np.abs(x - 8) < 5) & (np.abs(y - 8) < 5)
    assert inner.sum() >= 6
    return np.abs((y - height - slope * x) / np.hypot(1, slope))[inner].max()


@pytest.mark.parametrize("slope", [0.0, 0.1, 0.37, -0.8, 0.99, -1.0])
def test_a_straight_edge_is_found_where_it_is(slope):
    height = 8.3 - 8 * slope
    image = half_plane(slope, height)
    exact = off(image, slope, height, covering_edge)
    assert exact < 0.02
    assert exact <= off(image, slope, height, linear_edge)


def test_a_linear_edge_is_up_to_a_tenth_off():
    assert 0.05 < off(half_plane(0.0, 8.3), 0.0, 8.3, linear_edge) < 0.1


@pytest.mark.parametrize("width", [0.9, 1.3])
def test_thin_strokes_are_linear(width):
    image = np.ones((1, 5, 9))
    image[0, :, 4] = 0.0
    image[0, :, 5] = 1.0 - (width - 1.0) if width > 1 else 1.0
    if width < 1:
        image[0, :, 4] = 1 - width
    linear, covering = (contours(image, edge=e).points for e in (linear_edge, covering_edge))
    middle = np.abs(linear[:, 1] - 2.5) < 1.0
    assert (covering[middle] == linear[middle]).all()


def test_at_another_level_both_are_the_same():
    image = half_plane(0.3, 6.0)
    covering = contours(image, 0.3, covering_edge)
    assert (covering.points == contours(image, 0.3).points).all()


@MANY
@given(
    image=arrays(float, (1, 6, 6), elements=st.sampled_from([0.0, 0.01, 0.3, 0.5, 0.7, 0.99, 1.0]))
)
def test_every_edge_lies_between_its_pixels(image):
    ink = np.pad(1.0 - image[0], 3).ravel()
    pixel = np.flatnonzero((ink[:-1] >= 0.5) != (ink[1:] >= 0.5))
    for edge in (linear_edge, covering_edge):
        share = edge(ink, pixel, np.ones_like(pixel), 0.5)
        assert ((share >= 0) & (share <= 1)).all()
