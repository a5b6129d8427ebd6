"""What is stored and the width that it says."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from heliostat_methods.gmconv.masks.parametrisation import (
    PARAMETRISATIONS,
    number_of,
    sigma_of,
    slope_of,
    stored_for,
)

both = pytest.mark.parametrize("how", PARAMETRISATIONS)


@both
@settings(max_examples=60, deadline=None)
@given(sigma=st.floats(0.0101, 1e12))
def test_a_width_is_read_back_from_what_is_stored_for_it(how, sigma):
    stored = torch.tensor(stored_for(sigma, how), dtype=torch.float64)
    assert float(sigma_of(stored, how)) == pytest.approx(sigma, rel=1e-12)


@both
@settings(max_examples=60, deadline=None)
@given(stored=st.floats(-1e6, 1e6))
def test_numbers_and_tensors_agree_on_width_and_slope(how, stored):
    tensor = torch.tensor(stored, dtype=torch.float64, requires_grad=True)
    sigma = sigma_of(tensor, how)
    width, slope = number_of(stored, how)
    assert width >= 0.01
    assert float(sigma.detach()) == pytest.approx(width, rel=1e-9)  # torch's softplus ends at 20
    assert float(slope_of(tensor.detach(), how)) == pytest.approx(slope, rel=1e-12, abs=1e-300)
    if abs(stored) > 0.011:
        (by_autograd,) = torch.autograd.grad(sigma, tensor)
        assert float(by_autograd) == pytest.approx(slope, rel=1e-8, abs=1e-300)


def test_a_raw_width_is_clamped_and_keeps_no_sign():
    stored = torch.tensor([-2.0, -0.001, 0.0, 0.005, 3.0])
    torch.testing.assert_close(sigma_of(stored, "raw"), torch.tensor([2.0, 0.01, 0.01, 0.01, 3.0]))
    assert slope_of(stored, "raw").tolist() == [-1.0, 0.0, 0.0, 0.0, 1.0]


@both
def test_nan_stays_nan(how):
    assert bool(sigma_of(torch.tensor(math.nan), how).isnan())
    assert math.isnan(number_of(math.nan, how)[0])


def test_softplus_reaches_no_width_of_a_hundredth():
    with pytest.raises(ValueError) as error:
        stored_for(0.01, "softplus")
    assert str(error.value) == (
        "sigma_init must be above 0.01 where softplus gives sigma, got 0.01"
    )
