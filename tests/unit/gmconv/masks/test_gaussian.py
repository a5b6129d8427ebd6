"""The Gaussian mask: numbers of the specification, its symmetries, limits and refusals."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from heliostat_methods.gmconv import gaussian_mask
from heliostat_methods.gmconv.masks.taps import squared_distances

# Rows from the top to the centre, columns from the left to the centre; sum over the kernel.
# docs/methods/gmconv.md, computed in float64 apart from this code.
QUARTERS = [
    ((3, 3), 1.0, [[0.3678794412, 0.6065306597], [0.6065306597, 1.0]], 4.8976404035),
    ((3, 3), 5.0, [[0.9607894392, 0.9801986733], [0.9801986733, 1.0]], 8.7639524498),
    (
        (5, 5),
        2.0,
        [
            [0.3678794412, 0.5352614285, 0.6065306597],
            [0.5352614285, 0.7788007831, 0.8824969026],
            [0.6065306597, 0.8824969026, 1.0],
        ],
        15.8249225743,
    ),
    ((4, 4), 1.5, [[0.3678794412, 0.5737534207], [0.5737534207, 0.8948393168]], 9.6409023978),
    (
        (3, 5),
        1.0,
        [[0.0820849986, 0.3678794412, 0.6065306597], [0.1353352832, 0.6065306597, 1.0]],
        5.4966509645,
    ),
]
sizes = st.lists(st.integers(1, 9), min_size=1, max_size=3).map(tuple)
widths = st.floats(1e-40, 1e40) | st.floats(-10, 10).filter(lambda s: s != 0) | st.just(math.inf)


@pytest.mark.parametrize(("size", "sigma", "quarter", "total"), QUARTERS)
def test_the_mask_has_the_numbers_of_the_specification(size, sigma, quarter, total):
    mask = gaussian_mask(size, sigma, dtype=torch.float64)
    wanted = torch.tensor(quarter, dtype=torch.float64)
    rows, columns = wanted.shape
    torch.testing.assert_close(mask[:rows, :columns], wanted, atol=1e-9, rtol=0)
    assert float(mask.sum()) == pytest.approx(total, abs=1e-9)


def test_a_kernel_of_seven_taps_keeps_most_of_its_corners_at_width_five():
    mask = gaussian_mask(7, 5.0, dtype=torch.float64)
    assert float(mask[0, 0]) == pytest.approx(0.6976763261, abs=1e-9)
    assert float(mask[0, 3]) == pytest.approx(0.8352702114, abs=1e-9)
    assert float(mask.sum()) == pytest.approx(41.9537371965, abs=1e-9)


@settings(max_examples=60, deadline=None)
@given(sizes, widths, st.sampled_from([torch.float32, torch.float64]))
def test_the_mask_is_symmetric_and_falls_with_the_distance(size, sigma, dtype):
    mask = gaussian_mask(size, sigma, dtype=dtype)
    assert mask.shape == size
    assert mask.dtype == dtype
    assert bool(((mask >= 0) & (mask <= 1)).all())
    for axis in range(len(size)):
        assert torch.equal(mask, mask.flip(axis))
    if len(size) == 2 and size[0] == size[1]:
        assert torch.equal(mask, mask.T)
    assert torch.equal(mask, gaussian_mask(size, -sigma, dtype=dtype))
    order = squared_distances(size).flatten().argsort()
    along = mask.flatten()[order]
    assert bool((along[1:] <= along[:-1]).all())


@settings(max_examples=40, deadline=None)
@given(sizes, st.floats(1e-3, 50), st.floats(1.0, 4.0))
def test_a_wider_mask_is_nowhere_smaller(size, sigma, factor):
    narrow, wide = (gaussian_mask(size, s, dtype=torch.float64) for s in (sigma, sigma * factor))
    assert bool((wide >= narrow).all())


def test_a_wide_mask_is_nearly_one_and_an_infinite_one_is_one():
    assert float(gaussian_mask(3, 1000.0, dtype=torch.float64)[0, 0]) == pytest.approx(
        0.999999, abs=1e-10
    )
    assert torch.equal(gaussian_mask(3, math.inf), torch.ones(3, 3))


@pytest.mark.parametrize("sigma", [0.01, 1e-3, 1e-300, 0.0])
def test_a_narrow_mask_is_the_centre_alone_to_the_bit(sigma):
    centre = torch.zeros(3, 3, dtype=torch.float64)
    centre[1, 1] = 1.0
    assert torch.equal(gaussian_mask(3, sigma, dtype=torch.float64), centre)


def test_widths_in_a_tensor_give_a_mask_each_and_can_be_differentiated():
    sigma = torch.tensor([0.8, -2.0], dtype=torch.float64, requires_grad=True)
    masks = gaussian_mask((3, 4), sigma)
    assert masks.shape == (2, 3, 4)
    for mask, one in zip(masks, (0.8, 2.0), strict=True):
        torch.testing.assert_close(mask, gaussian_mask((3, 4), one, dtype=torch.float64))
    assert torch.autograd.gradcheck(lambda s: gaussian_mask((3, 4), s), (sigma,))


@settings(max_examples=40, deadline=None)
@given(widths, st.sampled_from([torch.float32, torch.float64]))
def test_no_width_has_a_gradient_that_is_no_number(sigma, dtype):
    width = torch.tensor(sigma, dtype=dtype).requires_grad_()
    gaussian_mask((3, 4), width).sum().backward()
    assert bool(width.grad.isfinite())


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_a_mask_of_a_short_type_is_computed_in_float32(dtype):
    mask = gaussian_mask(3, torch.tensor(0.25, dtype=dtype))
    assert mask.dtype == torch.float32
    assert torch.equal(mask, gaussian_mask(3, 0.25))
    assert float(mask[0, 0]) > 0


@pytest.mark.parametrize("size", [0, -3, (3, 0), (), (3, 2.5), True, "3"])
def test_kernels_without_taps_are_refused(size):
    with pytest.raises(ValueError) as error:
        gaussian_mask(size, 1.0)
    assert str(error.value) == (
        f"kernel_size must be a positive whole number in every dimension, got {size!r}"
    )


def test_nan_and_other_types_are_refused():
    with pytest.raises(ValueError, match=r"^sigma must be a number other than NaN, got nan$"):
        gaussian_mask(3, math.nan)
    with pytest.raises(ValueError, match=r"^dtype must be torch\.float32 or .*, got torch\.int64$"):
        gaussian_mask(3, 1.0, dtype=torch.int64)
