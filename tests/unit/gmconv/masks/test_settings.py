"""Settings of a mask are refused by name and value."""

import math

import pytest

from heliostat_methods.gmconv import MaskSettings


@pytest.mark.parametrize("value", [0, -1.0, math.inf, math.nan, 1e300, "5", None, True])
def test_a_width_that_is_no_finite_positive_number_is_refused(value):
    with pytest.raises(ValueError) as error:
        MaskSettings(sigma_init=value)
    assert str(error.value) == f"sigma_init must be a finite positive number, got {value!r}"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"sigma_param": "log"}, "sigma_param must be 'raw' or 'softplus', got 'log'"),
        ({"mask": "square"}, "mask must be 'gaussian' or 'circle', got 'square'"),
        (
            {"mask": "circle", "per_channel": True},
            "per_channel must be False for mask='circle', which has no sigma, got True",
        ),
        (
            {"sigma_init": 0.005, "sigma_param": "softplus"},
            "sigma_init must be above 0.01 where softplus gives sigma, got 0.005",
        ),
    ],
)
def test_settings_that_are_not_so_are_refused(options, message):
    with pytest.raises(ValueError) as error:
        MaskSettings(**options)
    assert str(error.value) == message


def test_equal_settings_are_equal():
    assert MaskSettings(2.0) == MaskSettings(sigma_init=2.0) != MaskSettings()
