"""The measured receptive field: what it says of known maps, what it leaves alone, refusals."""

import pytest
import torch
from torch import nn

from heliostat_methods.gmconv import GMConv2d, effective_receptive_field
from heliostat_methods.gmconv.receptive_field.effective import described


def network():
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(2, 4, 3, padding=1), nn.BatchNorm2d(4), nn.ReLU(), nn.Conv2d(4, 3, 3, padding=1)
    )


def test_one_convolution_shows_the_sizes_of_its_taps():
    layer = nn.Conv2d(2, 3, 3, padding=1).double()
    field = effective_receptive_field(layer, "", torch.randn(4, 2, 7, 7).double())
    wanted = torch.zeros(7, 7, dtype=torch.float64)
    wanted[2:5, 2:5] = layer.weight.detach().sum(0).abs().sum(0)
    torch.testing.assert_close(field.map, wanted / wanted.sum())
    assert field.inputs == 4


def test_a_narrower_mask_has_a_smaller_field():
    radii = []
    for sigma in (0.4, 0.8, 5.0):
        layer = GMConv2d(1, 1, 7, padding=3, sigma_init=sigma)
        nn.init.ones_(layer.weight)
        field = effective_receptive_field(layer, layer, torch.zeros(1, 1, 9, 9))
        radii.append(field.radius)
    assert radii == sorted(radii)
    assert radii[0] < radii[-1] / 4


def test_batches_change_nothing_and_modes_and_gradients_stay():
    model = network().train()
    model[1].eval()
    model.requires_grad_(False)
    x = torch.randn(5, 2, 8, 8)
    whole = effective_receptive_field(model, "3", x)
    parts = effective_receptive_field(model, model[3], x, batch=2)
    torch.testing.assert_close(whole.map, parts.map)
    assert [m.training for m in model] == [True, False, True, True]
    assert all(p.grad is None for p in model.parameters())
    assert not x.requires_grad
    assert not model[3]._forward_hooks
    first = effective_receptive_field(model, "0", x)
    assert first.radius < whole.radius
    with torch.no_grad():
        torch.testing.assert_close(effective_receptive_field(model, "3", x).map, whole.map)


def test_a_gaussian_map_is_found_to_be_one():
    places = torch.arange(41, dtype=torch.float64)
    rows, columns = (torch.exp(-((places - m) ** 2) / (2 * v)) for m, v in ((20, 9.0), (18, 4.0)))
    field = torch.outer(rows, columns)
    told = described(field / field.sum())
    assert told.variance == pytest.approx((9.0, 4.0), rel=1e-6)
    assert told.gaussian_r2 == pytest.approx(1.0, abs=1e-6)
    # 4.55 % of the maximum lie at 2.486 deviations: an ellipse of pi * 2.486^2 * 3 * 2 places.
    assert told.area_fraction == pytest.approx(3.14159 * 2.486**2 * 6 / 41**2, rel=0.05)


def test_maps_that_are_no_gaussians_are_told_so():
    ring = torch.zeros(9, 9, dtype=torch.float64)
    ring[0], ring[-1] = 1 / 18, 1 / 18
    assert described(ring).gaussian_r2 < 0.3
    point = torch.zeros(9, 9, dtype=torch.float64)
    point[3, 4] = 1.0
    told = described(point)
    assert (told.radius, told.gaussian_r2, told.area_fraction) == (0.0, 1.0, 1 / 81)
    flat = described(torch.full((4, 4), 1 / 16, dtype=torch.float64))
    assert (flat.gaussian_r2, flat.area_fraction) == (1.0, 1.0)


def test_other_ranks_have_as_many_variances():
    line = nn.Conv1d(1, 1, 5, padding=2)
    nn.init.ones_(line.weight)
    assert effective_receptive_field(line, "", torch.zeros(1, 1, 9)).variance == pytest.approx((2,))
    room = effective_receptive_field(nn.Conv3d(1, 1, 3, padding=1), "", torch.zeros(1, 1, 5, 5, 5))
    assert len(room.variance) == 3


class Unused(nn.Module):
    def __init__(self):
        super().__init__()
        self.used, self.idle = nn.Conv2d(1, 1, 3), nn.Conv2d(1, 1, 3)

    def forward(self, x):
        return self.used(x)


def cut():
    model = nn.Sequential(nn.Conv2d(1, 1, 3))
    nn.init.zeros_(model[0].weight)
    return model


def broken():
    model = cut()
    nn.init.constant_(model[0].weight, float("nan"))
    return model


IMAGES = torch.zeros(2, 1, 5, 5)


@pytest.mark.parametrize(
    ("model", "layer", "inputs", "message"),
    [
        (cut, "1", IMAGES, "layer must be a module of the model, got '1'; did you mean '0'?"),
        (cut, nn.ReLU(), IMAGES, "layer must be a module of the model, got another ReLU"),
        (Unused, "idle", IMAGES, "layer must be called by the model, got idle, which is not"),
        (
            lambda: nn.Sequential(nn.Flatten()),
            "0",
            IMAGES,
            "layer must give maps (samples, channels, *size) for inputs (2, 1, 5, 5), got 0 which "
            "gives (2, 25)",
        ),
        (
            cut,
            "0",
            IMAGES,
            "layer must depend on the inputs, got 0 whose derivative is 0 at every place",
        ),
        (
            broken,
            "0",
            IMAGES,
            "layer must depend on the inputs, got 0 whose derivative is not finite",
        ),
        (
            cut,
            "0",
            IMAGES.long(),
            "inputs must be floating-point numbers (samples, channels, *size), got (2, 1, 5, 5)",
        ),
        (cut, "0", IMAGES[:0], "inputs must hold at least one sample, got (0, 1, 5, 5)"),
    ],
)
def test_what_has_no_field_is_refused(model, layer, inputs, message):
    with pytest.raises(ValueError) as error:
        effective_receptive_field(model(), layer, inputs)
    assert str(error.value).replace("; valid choices: 0", "; did you mean '0'?") == message


def test_a_batch_that_is_none_is_refused():
    with pytest.raises(ValueError, match=r"^batch must be a positive whole number, got 0$"):
        effective_receptive_field(cut(), "0", IMAGES, batch=0)
