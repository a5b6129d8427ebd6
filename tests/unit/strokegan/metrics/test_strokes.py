"""Wrong bits of stroke codes."""

from __future__ import annotations

import numpy as np
import pytest

from heliostat_methods.strokegan.metrics.strokes import stroke_error


def test_the_share_of_wrong_bits_of_each_character():
    true = np.array([[1, 0, 1, 0], [0, 0, 0, 1]], np.uint8)
    predicted = np.array([[1, 0, 0, 1], [0, 0, 0, 1]], np.uint8)
    assert stroke_error(predicted, true).tolist() == [0.5, 0.0]
    assert stroke_error(predicted > 0, true.astype(float)).tolist() == [0.5, 0.0]


@pytest.mark.parametrize(
    ("predicted", "message"),
    [
        (np.zeros((2, 3)), r"true: shape \(2, 4\), expected \(2, 3\) as predicted has"),
        (np.zeros(4), r"predicted: shape \(4,\), expected codes \(N, S\)"),
        (np.full((2, 4), 0.5), "predicted: value 0.5, expected bits 0 and 1"),
        (np.full((2, 4), np.nan), "predicted: value nan, expected bits"),
    ],
)
def test_what_is_no_code_is_refused(predicted, message):
    with pytest.raises(ValueError, match=message):
        stroke_error(predicted, np.zeros((2, 4), np.uint8))
