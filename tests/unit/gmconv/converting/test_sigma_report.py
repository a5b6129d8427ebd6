"""The report of widths: numbers of the specification, one row a layer."""

import pytest
import torch
from torch import nn

from heliostat_methods.gmconv import DynamicGMConv2d, GMConv2d, gaussian_mask, sigma_report


def test_a_row_says_the_mask_of_a_layer():
    model = nn.Sequential(
        GMConv2d(1, 1, 5, sigma_init=2.0, dtype=torch.float64), nn.Conv2d(1, 1, 3)
    )
    (row,) = sigma_report(model)
    assert (row.layer, row.kind, row.kernel_size) == ("0", "GMConv2d", (5, 5))
    assert (row.sigma, row.sigma_least, row.sigma_most) == (2.0, 2.0, 2.0)
    assert row.edge == pytest.approx(0.6065306597, abs=1e-9)
    assert row.corner == pytest.approx(0.3678794412, abs=1e-9)
    # (sum G)^2 / sum G^2, of which both sums are squares of sums along one side
    squares = 1 + 2 * 0.7788007831 + 2 * 0.3678794412
    assert row.effective_taps == pytest.approx(15.8249225743**2 / squares**2, rel=1e-8)


def test_an_edge_lies_at_the_end_of_the_longest_side():
    (row,) = sigma_report(GMConv2d(1, 1, (3, 5), sigma_init=1.0, dtype=torch.float64))
    assert row.edge == pytest.approx(0.1353352832, abs=1e-9)
    assert row.corner == pytest.approx(0.0820849986, abs=1e-9)


def test_several_widths_are_told_by_mean_and_range():
    layer = GMConv2d(1, 3, 3, per_channel=True, dtype=torch.float64)
    widths = torch.tensor([0.5, 1.0, 3.0], dtype=torch.float64)
    with torch.no_grad():
        layer.sigma.copy_(widths)
    (row,) = sigma_report(layer)
    assert (row.sigma, row.sigma_least, row.sigma_most) == (1.5, 0.5, 3.0)
    assert row.corner == pytest.approx(float(gaussian_mask(3, widths)[:, 0, 0].mean()))
    taps = [float(m.sum() ** 2 / m.square().sum()) for m in gaussian_mask(3, widths)]
    assert row.effective_taps == pytest.approx(sum(taps) / 3)


def test_a_circle_has_no_width_and_a_wide_mask_all_taps():
    circle, wide = sigma_report(
        nn.Sequential(GMConv2d(1, 1, 5, mask="circle"), GMConv2d(1, 1, 5, sigma_init=1e9))
    )
    assert (circle.sigma, circle.edge, circle.corner) == (None, 1.0, 0.0)
    assert circle.effective_taps == pytest.approx(21)
    assert wide.effective_taps == pytest.approx(25)


def test_a_mask_that_is_zero_everywhere_has_no_taps():
    (row,) = sigma_report(GMConv2d(1, 1, 4, sigma_init=0.01))
    assert (row.edge, row.corner, row.effective_taps) == (0.0, 0.0, 0.0)


def test_a_dynamic_layer_tells_of_the_samples_it_saw_last():
    model = nn.Sequential(DynamicGMConv2d(1, 1, 3, sigma_init=2.0))
    with pytest.raises(ValueError) as error:
        sigma_report(model)
    assert str(error.value) == (
        "model must have seen inputs for the widths of 0, got one that saw none"
    )
    model(torch.randn(3, 1, 5, 5))
    (row,) = sigma_report(model)
    assert row.sigma == pytest.approx(2.0, rel=1e-6)
    assert row.kind == "DynamicGMConv2d"
