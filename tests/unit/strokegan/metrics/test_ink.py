"""Overlap of ink, also where there is none."""

from __future__ import annotations

import numpy as np
import pytest

from heliostat_methods.strokegan.metrics.ink import ink_iou


def test_known_overlaps():
    a, b = np.ones((4, 2, 2)), np.ones((4, 2, 2))
    a[0, 0], b[0, :, 0] = 0.0, 0.0  # a row and a column
    a[1], b[1] = 0.0, 0.0
    a[2] = 0.3
    assert ink_iou(a, b).tolist() == [pytest.approx(1 / 3), 1.0, 0.0, 1.0]


def test_half_grey_is_no_ink():
    assert ink_iou(np.full((1, 2, 2), 0.5), np.ones((1, 2, 2))).tolist() == [1.0]


def test_shapes_that_differ_are_refused():
    with pytest.raises(ValueError, match=r"b: shape \(1, 2, 3\), expected \(1, 2, 2\)"):
        ink_iou(np.ones((1, 2, 2)), np.ones((1, 2, 3)))
