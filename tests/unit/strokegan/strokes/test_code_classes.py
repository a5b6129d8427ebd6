import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from heliostat_methods.strokegan.strokes.code_classes import code_classes
from heliostat_methods.strokegan.strokes.constant_predictors import constant_predictors

CODES = arrays(np.uint8, st.tuples(st.integers(0, 30), st.just(32)), elements=st.integers(0, 1))


@given(CODES)
def test_classes_partition_the_characters(codes):
    classes = code_classes(codes)
    assert np.array_equal(classes.codes[classes.of], codes)
    assert classes.sizes.sum() == len(codes) == classes.alone + classes.sharing
    assert classes.largest_first.sum() == classes.sharing
    assert classes.distinct == len({code.tobytes() for code in codes})


@given(CODES.filter(len))
def test_no_constant_beats_the_constant_predictors(codes):
    found = constant_predictors(codes)
    half = np.full(32, 0.5)
    assert found.mean_mse <= found.one_mean_mse + 1e-12 <= ((codes - half) ** 2).mean() + 2e-12
    assert 0 <= found.majority_bit_error <= 0.5


@pytest.mark.parametrize("codes", [np.zeros(32), np.zeros((3, 31)), []])
def test_other_shapes_are_refused(codes):
    with pytest.raises(ValueError, match=r"codes must be of shape \(N, 32\), got"):
        code_classes(codes)


@pytest.mark.parametrize("value", [0.5, -1, 256, np.nan, np.inf])
def test_what_is_no_code_is_refused(value):
    with pytest.raises(ValueError, match="whole numbers from 0 to 255"):
        code_classes(np.full((2, 32), value))


def test_predictors_want_bits_of_someone():
    for codes in (np.zeros((0, 32)), np.full((1, 32), 2)):
        with pytest.raises(ValueError, match="one-bit codes of at least one character"):
            constant_predictors(codes)
