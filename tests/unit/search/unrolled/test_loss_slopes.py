"""What a loss says of a batch's outputs: value, slopes, and their change by its parameters."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from heliostat_search.unrolled.loss_slopes import LossSlopes

F = torch.tensor([[0.3, -1.2], [0.7, 0.1], [-0.4, 2.0]], dtype=torch.float64)
Y = torch.tensor([[0.0, -1.0], [1.0, 0.5], [0.2, 1.0]], dtype=torch.float64)


def weights(*numbers):
    return [torch.tensor(one, dtype=torch.float64, requires_grad=True) for one in numbers]


@given(st.integers(0, 2**32), st.floats(-3, 3))
@settings(max_examples=25, deadline=None)
def test_a_scaled_square_has_the_slopes_of_the_formula(seed, factor):
    scale, power = weights(1.5, 0.7)
    t = torch.randn(3, 2, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    said = LossSlopes(lambda f, y: (scale * (f - y) ** 2 + power * f**3).mean(), F, Y,
                      [scale, power])  # fmt: skip
    e = F - Y
    assert said.value.item() == pytest.approx((1.5 * e**2 + 0.7 * F**3).mean().item())
    assert torch.allclose(said.slopes, (3.0 * e + 2.1 * F**2) / 6, rtol=1e-12)
    by_scale, by_power = said.along(t, factor)
    assert by_scale.item() == pytest.approx(factor * (2 * e * t).sum().item() / 6, abs=1e-12)
    assert by_power.item() == pytest.approx(factor * (3 * F**2 * t).sum().item() / 6, abs=1e-12)


@pytest.mark.parametrize("recording", [torch.no_grad, torch.enable_grad])
def test_the_callers_own_recording_does_not_matter(recording):
    (scale,) = weights(1.5)
    with recording():
        said = LossSlopes(lambda f, y: (scale * f**2).sum(), F, Y, [scale])
        (found,) = said.along(torch.ones_like(F))
    assert found.item() == pytest.approx(2 * F.sum().item())


def test_what_goes_out_has_no_graph():
    (scale,) = weights(1.5)
    said = LossSlopes(lambda f, y: (scale * f**2).sum(), F, Y, [scale])
    found = said.along(F)
    assert not any(one.requires_grad for one in (said.value, said.slopes, *found))


def test_parameters_that_do_not_matter_have_no_slope():
    used, idle, added = weights(1.5, 2.0, 3.0)
    said = LossSlopes(lambda f, y: (used * f**2).sum() + added, F, Y, [used, idle, added])
    by_used, by_idle, by_added = said.along(F)
    assert by_used.item() == pytest.approx(2 * (F**2).sum().item())
    assert by_idle.item() == by_added.item() == 0


def test_a_loss_that_hears_no_outputs_has_no_slopes():
    (alone,) = weights(1.5)
    for loss in (lambda f, y: y.sum(), lambda f, y: alone * y.sum()):
        said = LossSlopes(loss, F, Y, [alone])
        assert torch.equal(said.slopes, torch.zeros_like(F))
        assert said.along(F)[0].item() == 0


def test_a_loss_that_is_linear_in_outputs_alone_has_no_change_of_slopes():
    (idle,) = weights(1.5)
    said = LossSlopes(lambda f, y: (2 * f).sum(), F, Y, [idle])
    assert torch.equal(said.slopes, torch.full_like(F, 2.0))
    assert said.along(F)[0].item() == 0


def test_a_loss_without_parameters_has_slopes_alone():
    said = LossSlopes(lambda f, y: ((f - y) ** 2).sum(), F, Y, [])
    assert torch.allclose(said.slopes, 2 * (F - Y))
    assert said.along(F) == []


@pytest.mark.parametrize("shape", [(), (1,), (1, 1)])
def test_one_number_in_any_shape_is_a_scalar(shape):
    (scale,) = weights(1.0)
    said = LossSlopes(lambda f, y: (scale * f).sum().reshape(shape), F, Y, [scale])
    assert said.value.shape == ()


@pytest.mark.parametrize(
    ("loss", "message"),
    [
        (lambda f, y: f - y, r"loss: got shape \(3, 2\); expected a scalar"),
        (lambda f, y: (f - y).sum(1), r"loss: got shape \(3,\); expected a scalar"),
        (lambda f, y: f[:0].sum(1), r"loss: got shape \(0,\); expected a scalar"),
    ],
)
def test_a_loss_that_is_no_scalar_is_refused(loss, message):
    with pytest.raises(ValueError, match=message):
        LossSlopes(loss, F, Y, [])
