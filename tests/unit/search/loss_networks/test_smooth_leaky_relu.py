import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.autograd import grad

from heliostat_search.loss_networks.smooth_leaky_relu import (
    SmoothLeakyReLU,
    curvature,
    slope,
    value,
)

# Values and slopes at POINTS for (gamma, beta), from the formula in double precision.
POINTS = [-3, -1, -0.1, 0, 0.1, 1, 3]
TABLE = [
    (
        (0.01, 10.0),
        [-0.03, -0.0099955055, 0.0300129071, 0.0686215709, 0.1310129071, 1.0000044945, 3.0],
        [0.01, 0.0100449439, 0.2762520072, 0.505, 0.7337479928, 0.9999550561, 1.0],
    ),
    (
        (0.25, 5.0),
        [-0.7499999541, -0.2489926977, 0.0461115476, 0.1039720771, 0.1711115476, 1.0010073023,
         3.0000000459],
        [0.2500002294, 0.2550196382, 0.5331555016, 0.625, 0.7168444984, 0.9949803618,
         0.9999997706],
    ),
    (
        (0.25, 2.0),
        [-0.7490716181, -0.2024019959, 0.199302076, 0.2599301927, 0.324302076, 1.0475980041,
         3.0009283819],
        [0.2518544674, 0.3394021915, 0.5876245020, 0.625, 0.6623754980, 0.9105978085,
         0.9981455326],
    ),
]  # fmt: skip
NUMBERS = st.floats(-1e4, 1e4)
GAMMAS = st.floats(0.0, 1.0)
BETAS = st.floats(-6.0, 6.0).map(lambda e: 10.0**e)


def double(*numbers):
    return torch.tensor(numbers, dtype=torch.float64)


@pytest.mark.parametrize(("bend", "values", "slopes"), TABLE)
def test_values_and_slopes_are_those_of_the_table(bend, values, slopes):
    x = double(*POINTS).requires_grad_()
    y = SmoothLeakyReLU(*bend)(x)
    assert y.tolist() == pytest.approx(values, abs=1e-9)
    assert slope(x, *bend).tolist() == pytest.approx(slopes, abs=1e-9)
    assert grad(y.sum(), x)[0].tolist() == pytest.approx(slopes, abs=1e-9)


@given(st.floats(-50, 50), GAMMAS, st.floats(0.05, 20))
@settings(deadline=None, max_examples=80)
def test_slope_and_curvature_are_the_first_and_second_derivative(number, gamma, beta):
    x = double(number).requires_grad_()
    (first,) = grad(value(x, gamma, beta).sum(), x, create_graph=True)
    (second,) = grad(first.sum(), x)
    torch.testing.assert_close(slope(x, gamma, beta), first, rtol=1e-10, atol=1e-12)
    # 1 - sigmoid has lost digits in autograd's second derivative
    torch.testing.assert_close(curvature(x, gamma, beta), second, rtol=1e-10, atol=1e-13)


@given(NUMBERS, GAMMAS, BETAS)
@settings(deadline=None, max_examples=200)
def test_the_odd_part_is_a_line_with_the_mean_of_both_slopes(number, gamma, beta):
    x = double(number)
    apart = (value(x, gamma, beta) - value(-x, gamma, beta)).item()
    # both values hold log(2) / beta at least, whose rounding remains
    size = abs(number) + 1 / beta
    assert apart == pytest.approx((1 + gamma) * number, abs=1e-14 * size)


@given(st.lists(NUMBERS, min_size=2, max_size=2, unique=True), GAMMAS, BETAS)
@settings(deadline=None, max_examples=200)
def test_it_is_convex_with_slopes_from_gamma_to_one(numbers, gamma, beta):
    low, high = double(min(numbers)), double(max(numbers))
    ends = [value(x, gamma, beta) for x in (low, high)]
    middle = value((low + high) / 2, gamma, beta)
    rounding = 1e-13 * (1e4 + 1 / beta)
    assert middle <= (ends[0] + ends[1]) / 2 + rounding
    rise = ends[1] - ends[0]
    assert gamma * (high - low) - rounding <= rise <= high - low + rounding
    for x in (low, high):
        assert gamma <= slope(x, gamma, beta) <= 1
        assert curvature(x, gamma, beta) >= 0


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("bend", [(0.01, 10.0), (0.0, 1.0), (1.0, 2.0), (0.3, 1e-6), (0.3, 1e6)])
def test_far_out_it_is_a_line_and_overflows_nowhere(dtype, bend):
    x = torch.tensor([-1e4, 1e4], dtype=dtype)
    gamma, beta = bend
    assert value(x, *bend).isfinite().all()
    assert slope(x, *bend).isfinite().all()
    assert curvature(x, *bend).isfinite().all()
    if beta >= 1:
        assert value(x, *bend).tolist() == pytest.approx([-1e4 * gamma, 1e4], abs=1e-12)
        assert slope(x, *bend).tolist() == pytest.approx([gamma, 1.0])
        assert curvature(x, *bend).tolist() == [0.0, 0.0]


def test_gamma_zero_and_beta_one_is_softplus_and_gamma_one_the_identity():
    x = torch.linspace(-15, 15, 31, dtype=torch.float64)
    torch.testing.assert_close(value(x, 0.0, 1.0), torch.nn.functional.softplus(x))
    torch.testing.assert_close(value(x, 1.0, 7.0), x)


@pytest.mark.parametrize(
    ("gamma", "beta", "message"),
    [
        (-0.1, 1.0, "gamma: got -0.1; expected a number from 0 to 1"),
        (1.5, 1.0, "gamma: got 1.5; expected a number from 0 to 1"),
        (float("nan"), 1.0, "gamma: got nan; expected a number from 0 to 1"),
        (0.1, 0.0, "beta: got 0.0; expected a number from 1e-06 to 1e[+]06"),
        (0.1, float("inf"), "beta: got inf; expected a number from 1e-06 to 1e[+]06"),
    ],
)
def test_settings_out_of_range_are_named(gamma, beta, message):
    with pytest.raises(ValueError, match=message):
        SmoothLeakyReLU(gamma, beta)


def test_it_prints_its_settings():
    assert repr(SmoothLeakyReLU(0.25, 2.0)) == "SmoothLeakyReLU(gamma=0.25, beta=2.0)"
