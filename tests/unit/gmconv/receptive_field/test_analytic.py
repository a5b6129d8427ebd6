"""The closed form of a tower's receptive field, and the measured field of such a tower."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from heliostat_methods.gmconv import effective_receptive_field, kernel_variance, tower_variance
from heliostat_methods.gmconv.receptive_field.analytic import tower

# layers, K, sigma, variance along a dimension. docs/methods/gmconv.md, computed apart from this.
ORACLES = [
    (1, 3, math.inf, 0.6666666667),
    (4, 3, math.inf, 2.6666666667),
    (4, 3, 1.0, 2.1925489525),
    (4, 5, 2.0, 6.6537429730),
    (3, 7, 1.5, 5.9493837819),
]


@pytest.mark.parametrize(("layers", "kernel", "sigma", "variance"), ORACLES)
def test_closed_form_and_measured_field_are_those_of_the_specification(
    layers, kernel, sigma, variance
):
    assert tower_variance(layers, kernel, sigma) == pytest.approx(variance, abs=1e-9)
    side = layers * (kernel - 1) + 3
    field = effective_receptive_field(
        tower(layers, kernel, sigma), str(layers - 1), torch.zeros(1, 1, side, side).double()
    )
    assert field.variance == pytest.approx((variance, variance), abs=1e-9)
    assert field.radius == pytest.approx(math.sqrt(2 * variance), abs=1e-9)
    assert float(field.map.sum()) == pytest.approx(1.0, abs=1e-12)


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 30), st.floats(1e-300, 1e300), st.floats(1.0, 10.0))
def test_a_wider_mask_has_more_variance_up_to_that_of_ones(kernel, sigma, factor):
    narrow, wide, none = (kernel_variance(kernel, s) for s in (sigma, sigma * factor, math.inf))
    least = 0.25 if kernel % 2 == 0 else 0.0
    assert least <= narrow * (1 + 1e-12)
    assert narrow <= wide * (1 + 1e-12)
    assert wide <= none * (1 + 1e-12)
    assert none == pytest.approx((kernel**2 - 1) / 12)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((0, 3), "layers must be a positive whole number, got 0"),
        ((1, 0), "kernel_size must be a positive whole number in every dimension, got (0,)"),
        ((1, 3, -1.0), "sigma must be above 0, got -1.0"),
        ((1, 3, math.nan), "sigma must be above 0, got nan"),
    ],
)
def test_towers_that_are_none_are_refused(arguments, message):
    with pytest.raises(ValueError) as error:
        tower_variance(*arguments)
    assert str(error.value) == message


def test_a_tower_of_even_kernels_is_refused():
    with pytest.raises(ValueError) as error:
        tower(2, 4)
    assert str(error.value) == "kernel_size must be odd for a tower of equal maps, got 4"
