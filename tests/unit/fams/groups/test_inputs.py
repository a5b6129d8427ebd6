from types import SimpleNamespace

import numpy as np
import pytest

from heliostat_methods.fams.groups.inputs import standardised_inputs
from heliostat_search.preprocessing import RawColumn, RawInputs

TRAIN = np.arange(8)
INPUTS = np.column_stack([np.arange(10.0), np.full(10, 3.0), [*np.arange(8), 1e9, -1e9]])
DATA = SimpleNamespace(name="mine", inputs=INPUTS)


def test_training_rows_have_mean_0_and_deviation_1():
    scaled = standardised_inputs(DATA, TRAIN)
    assert scaled[TRAIN][:, [0, 2]].mean(0) == pytest.approx([0, 0])
    assert scaled[TRAIN][:, [0, 2]].std(0) == pytest.approx([1, 1])
    assert (scaled[:, 1] == 0).all()


def test_far_values_are_cut_off():
    assert standardised_inputs(DATA, TRAIN)[8:, 2].tolist() == [5, -5]
    assert standardised_inputs(DATA, TRAIN, clip=1.0).max() == 1
    assert standardised_inputs(DATA, TRAIN, clip=None).max() > 1e8


def test_categories_are_encoded_by_the_training_rows():
    places = np.array([0, 1, 0, 1, 0, 1, 0, 1, 2, 2])
    raw = RawInputs((RawColumn("city", places, "onehot", ("bern", "oslo", "rome")),))
    data = SimpleNamespace(name="mine", inputs=np.zeros((10, 3)), raw=raw)
    scaled = standardised_inputs(data, TRAIN)
    assert scaled.shape == (10, 2)
    assert (scaled[8:] == -1).all()


def test_no_training_rows_and_no_clip_are_refused():
    with pytest.raises(ValueError, match=r"train = \[\]: expected at least one row"):
        standardised_inputs(DATA, np.zeros(0, int))
    for clip in (0, -1.0, float("nan")):
        with pytest.raises(ValueError, match=rf"clip = {clip}: expected a positive number"):
            standardised_inputs(DATA, TRAIN, clip)
