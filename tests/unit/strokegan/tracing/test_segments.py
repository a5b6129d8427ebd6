"""Lines and curves between breaks, and joins made smooth."""

from __future__ import annotations

import numpy as np
import pytest

from heliostat_methods.strokegan.tracing.contours import contours
from heliostat_methods.strokegan.tracing.corners import corners
from heliostat_methods.strokegan.tracing.edges import covering_edge
from heliostat_methods.strokegan.tracing.joins import smooth_joins
from heliostat_methods.strokegan.tracing.runs import opened
from heliostat_methods.strokegan.tracing.segments import segments


@pytest.fixture(scope="module")
def vertices(letters):
    found = contours(letters, edge=covering_edge)
    return opened(found, corners(found))


def kinks(found):
    """Return the angles (J,) at which curves meet where they were cut, radians."""
    before = found.before()
    at = ~found.vertices.corner[found.begin] & found.curved & found.curved[before]
    into, out = found.start - found.control[before], found.control - found.start
    cross = into[:, 0] * out[:, 1] - into[:, 1] * out[:, 0]
    return np.abs(np.arctan2(cross, (into * out).sum(axis=1)))[at]


def off(found):
    """Return how far the worst vertex of each curve is off it."""
    stop = found.start[found.after()]
    some = found.curved
    return found.vertices.off_curves(
        found.begin[some], found.end[some], found.start[some], found.control[some], stop[some]
    )[0]


def test_segments_follow_each_other_around_each_contour(vertices):
    found = segments(vertices, 0.1)
    points = vertices.points
    assert (points[found.end] == found.start[found.after()]).all()
    assert (found.before()[found.after()] == np.arange(len(found.begin))).all()
    assert (np.diff(found.begin) > 0).all()
    inside = np.ones(len(found.begin) - 1, bool)
    inside[found.starts[1:-1] - 1] = False
    assert (found.end[:-1] == found.begin[1:])[inside].all()


def test_every_corner_begins_a_segment(vertices):
    found = segments(vertices, 0.1)
    closing = np.isin(np.arange(len(vertices.points)), vertices.last)
    corners_at = np.flatnonzero(vertices.corner & ~closing)
    assert np.isin(corners_at, found.begin).all()


@pytest.mark.parametrize("tolerance", [0.02, 0.1, 0.7])
def test_curves_and_lines_keep_within_the_tolerance(vertices, tolerance):
    found = segments(vertices, tolerance)
    assert off(found).max() <= tolerance
    lines = ~found.curved & (found.end - found.begin > 1)
    assert vertices.off_lines(found.begin[lines], found.end[lines]).max() <= tolerance


def test_most_joins_become_smooth_and_none_leaves_the_tolerance(vertices):
    cut = segments(vertices, 0.1)
    joined = smooth_joins(cut, 0.15)
    assert off(joined).max() <= 0.15
    assert (kinks(cut) < 1e-9).mean() < 0.2
    assert (kinks(joined) < 1e-9).mean() > 0.8
    assert (joined.start[vertices.corner[cut.begin]] == cut.start[vertices.corner[cut.begin]]).all()


def test_a_tolerance_outside_its_range_is_refused(vertices):
    with pytest.raises(ValueError, match=r"tolerance: 0.0, expected pixels, above 0 and at most 4"):
        segments(vertices, 0.0)
