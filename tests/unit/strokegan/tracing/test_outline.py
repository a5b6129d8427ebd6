"""Outlines keep within their tolerance, close, and have few points."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from heliostat_methods.strokegan.tracing import outline as module
from heliostat_methods.strokegan.tracing.contours import contours
from heliostat_methods.strokegan.tracing.edges import covering_edge, linear_edge
from heliostat_methods.strokegan.tracing.outline import outlines

MANY = settings(deadline=None, derandomize=True, max_examples=60)


def distances(points, polygons):
    """Return the distance of each point (n, 2) to the nearest chord of closed polygons."""
    a = np.concatenate(polygons)
    b = np.concatenate([np.roll(p, -1, axis=0) for p in polygons])
    along = b - a
    t = ((points[:, None] - a) * along).sum(2) / np.maximum((along**2).sum(1), 1e-300)
    nearest = a + np.clip(t, 0, 1)[:, :, None] * along
    return np.hypot(*np.moveaxis(points[:, None] - nearest, 2, 0)).min(axis=1)


@pytest.mark.parametrize("tolerance", [0.03, 0.15, 0.5])
def test_no_vertex_is_further_off_than_the_tolerance(letters, tolerance):
    for image, outline in zip(letters, outlines(letters, tolerance), strict=True):
        found = contours(image[None], edge=covering_edge)
        # chords of 32 to a curve are off it by less than 0.01 pixels here
        assert distances(found.points, outline.polygons(32)).max() <= tolerance + 0.01


def test_the_outline_strays_nowhere_from_the_contours(letters):
    for image, outline in zip(letters, outlines(letters), strict=True):
        drawn = np.concatenate(outline.polygons(8))
        assert distances(drawn, contours(image[None], edge=covering_edge).polygons()).max() < 0.4


def test_areas_and_contours_are_kept(letters):
    for image, outline in zip(letters, outlines(letters), strict=True):
        found = contours(image[None], edge=covering_edge)
        assert outline.contours == len(found.image)
        assert outline.area() == pytest.approx(found.areas().sum(), rel=0.02)


def test_a_tighter_tolerance_takes_more_points(letters):
    counts = [sum(len(o.points) for o in outlines(letters, t)) for t in (0.05, 0.15, 0.4)]
    assert counts == sorted(counts, reverse=True)
    assert counts[1] < 0.5 * len(contours(letters).points)


def test_portions_change_nothing(letters, monkeypatch):
    whole = outlines(letters)
    monkeypatch.setattr(module, "PORTION", 3 * 64 * 64)
    for a, b in zip(whole, outlines(letters), strict=True):
        assert (a.points == b.points).all()
        assert (a.on_curve == b.on_curve).all()
        assert (a.ends == b.ends).all()


def test_a_disc_is_smooth_all_round():
    y, x = np.mgrid[:256, :256] / 4 + 1 / 8 - 32
    disc = (np.hypot(x, y) > 20).astype(float).reshape(1, 64, 4, 64, 4).mean(axis=(2, 4))
    (outline,) = outlines(disc)
    on = np.flatnonzero(outline.on_curve)
    before, after = np.roll(outline.points, 1, 0)[on], np.roll(outline.points, -1, 0)[on]
    into, out = outline.points[on] - before, after - outline.points[on]
    sine = (into[:, 0] * out[:, 1] - into[:, 1] * out[:, 0]) / np.hypot(*into.T) / np.hypot(*out.T)
    assert len(on) < 20
    assert np.abs(sine).max() < 1e-9


@MANY
@given(images=arrays(float, st.tuples(st.integers(1, 2), st.integers(1, 9), st.integers(1, 9)),
                     elements=st.floats(0, 1)), tolerance=st.sampled_from([1e-9, 0.15, 4.0]),
       edge=st.sampled_from([linear_edge, covering_edge]))  # fmt: skip
def test_any_image_has_an_outline_that_a_font_can_hold(images, tolerance, edge):
    found = outlines(images, tolerance, edge=edge)
    assert len(found) == len(images)
    for outline in found:
        assert np.isfinite(outline.points).all()
        assert np.isfinite(outline.area())
        for begin, end in outline.spans():
            assert end - begin >= 3
            on = outline.on_curve[begin:end]
            assert on[0]
            assert (on | np.roll(on, -1)).all()  # never two off the curve in a row


@MANY
@given(image=arrays(float, (1, 8, 8), elements=st.floats(0, 1)))
def test_noise_keeps_within_the_tolerance_too(image):
    found = contours(image, edge=covering_edge)
    (outline,) = outlines(image, 0.2)
    if len(found.image) and outline.contours == len(found.image):
        assert distances(found.points, outline.polygons(64)).max() <= 0.2 + 0.01


def test_blank_images_have_no_contour():
    blank, other = outlines(np.ones((2, 4, 4)))
    assert (blank.contours, len(blank.points), blank.area()) == (0, 0, 0.0)
    assert other.polygons() == []


@pytest.mark.parametrize("tolerance", [0.0, -1.0, 4.1, float("nan"), float("inf")])
def test_a_tolerance_outside_its_range_is_refused(tolerance):
    with pytest.raises(ValueError, match=r"tolerance: .* expected pixels, above 0 and at most 4"):
        outlines(np.ones((1, 4, 4)), tolerance)
