import numpy as np
import pytest

from heliostat_methods.fams.groups.bands import banded


def bands(values, cuts):
    found = banded("x", np.array(values), cuts)
    return [found.levels[code] for code in found.codes]


def test_a_value_at_a_cut_belongs_to_the_band_above_it():
    assert bands([24, 25, 34, 35], (25, 35)) == ["under 25", "25-34", "25-34", "35 and over"]


def test_numbers_with_fractions_are_named_by_both_ends():
    assert bands([0.1, 0.5, 2.0], (0.25, 1.5)) == ["under 0.25", "0.25 to 1.5", "1.5 and over"]


def test_a_band_of_one_whole_number_is_named_by_it():
    assert bands([1, 2, 3], (2, 3)) == ["under 2", "2", "3 and over"]


def test_negative_bands_are_named_without_two_hyphens():
    assert bands([-6, -4, 0], (-5, 0)) == ["under -5", "-5 to -1", "0 and over"]


def test_close_cuts_have_different_names():
    assert bands([1.0, 1.00001, 2.0], (1.000005, 1.00002)) == [
        "under 1.000005",
        "1.000005 to 1.00002",
        "1.00002 and over",
    ]


def test_a_float32_that_was_written_as_the_cut_equals_it():
    values = np.array([0.3, 0.7, 1.1], np.float32)
    assert banded("x", values, (0.7, 1e300)).codes.tolist() == [0, 1, 1]


def test_deciles_hold_a_tenth_each():
    found = banded("x", np.arange(100), 10)
    assert np.bincount(found.codes).tolist() == [10] * 10
    assert found.levels[1] == "10-19"
    assert found.note == ""


def test_equal_values_share_a_band():
    found = banded("x", np.array([0.0] * 90 + [1.5] * 10), 10)
    assert found.levels == ("under 1.5", "1.5 and over")
    assert found.note == "x: 2 of 10 bands, for many values are equal"
    assert banded("x", np.full(5, 2.5), 4).levels == ("2.5",)


def test_texts_that_are_numbers_are_cut_as_numbers():
    assert bands(["9", "10", "30"], (10,)) == ["under 10", "10 and over", "10 and over"]


@pytest.mark.parametrize("value", [np.inf, -np.inf, np.nan])
def test_no_finite_number_is_refused_with_its_row(value):
    with pytest.raises(
        ValueError, match=r"columns\['x'\], row 2 is -?(inf|nan), expected a finite"
    ):
        banded("x", np.array([1.0, 2.0, value]), 3)
