"""Targets as rows of labels: values, 0 and 1, one-hot columns; labels out of range are refused."""

import numpy as np
import pytest

from heliostat_search.trainings.labels import label_rows


@pytest.mark.parametrize(
    ("task", "classes", "targets", "rows"),
    [
        ("regression", 1, [0.5, -2.0], [[0.5, -2.0]]),
        ("classification", 1, [0, 1, 1], [[0, 1, 1]]),
        ("classification", 2, [0, 1, 1], [[1, 0, 0], [0, 1, 1]]),
        ("classification", 3, [2, 0], [[0, 1], [0, 0], [1, 0]]),
    ],
)
def test_rows_by_hand(task, classes, targets, rows):
    found = label_rows(np.array(targets), task, classes, np.float32)
    assert found.tolist() == rows
    assert found.dtype == np.float32 and found.flags.c_contiguous


@pytest.mark.parametrize(
    ("classes", "targets", "message"),
    [
        (3, [0, 3], "labels: range 0..3; expected whole numbers 0..2 for classes = 3"),
        (3, [-1, 2], "labels: range -1..2; expected whole numbers 0..2 for classes = 3"),
        (1, [0, 2], "labels: range 0..2; expected whole numbers 0..1 for classes = 1"),
        (2, [0.5, 1.0], "labels: range 0.5..1.0; expected whole numbers 0..1 for classes = 2"),
    ],
)
def test_labels_out_of_range_are_refused(classes, targets, message):
    with pytest.raises(ValueError) as refused:
        label_rows(np.array(targets), "classification", classes, np.float64)
    assert str(refused.value) == message
