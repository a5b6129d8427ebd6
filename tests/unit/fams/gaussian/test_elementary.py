import numpy as np
import pytest

from heliostat_methods.fams.gaussian.elementary import elu, exponential, logarithm


@pytest.mark.parametrize("x", np.linspace(-86, 88, 40).astype(np.float32))
def test_exponential_is_right_to_float32(x):
    assert exponential(x) == pytest.approx(np.exp(np.float64(x)), rel=3e-7)


def test_exponential_is_held_to_its_range_and_keeps_nan():
    assert exponential(np.float32(-1e30)) == exponential(np.float32(-87))
    assert np.isfinite(exponential(np.float32(np.inf))) and np.isnan(exponential(np.float32("nan")))


@pytest.mark.parametrize("x", np.geomspace(1e-37, 1e37, 40).astype(np.float32))
def test_logarithm_is_right_to_float32(x):
    assert logarithm(x) == pytest.approx(np.log(np.float64(x)), rel=3e-7, abs=3e-7)


def test_elu_is_smooth_at_zero_and_one_below():
    assert elu(np.float32(2)) == 2 and elu(np.float32(-1e9)) == -1
    assert elu(np.float32(-1e-4)) == pytest.approx(-1e-4, rel=1e-2)
