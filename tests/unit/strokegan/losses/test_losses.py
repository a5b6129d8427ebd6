"""Losses: the specification's numbers, and no shape that would be broadcast."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from heliostat_methods.strokegan.losses.adversarial import discriminator_loss, judged_as
from heliostat_methods.strokegan.losses.pixels import cycle_loss, identity_loss, pair_loss
from heliostat_methods.strokegan.losses.strokes import released_stroke_loss, stroke_loss
from heliostat_methods.strokegan.losses.styles import category_loss, constancy_loss

LABELS = torch.tensor([[1.0, 0, 1, 0], [0, 0, 1, 1]])


def test_lsgan_numbers() -> None:
    patch = torch.full((2, 1, 3, 3), 0.25)
    assert float(judged_as(patch, True)) == 0.5625
    assert float(judged_as(patch, False)) == 0.0625
    assert float(discriminator_loss(patch, patch)) == 0.5 * (0.5625 + 0.0625)


def test_vanilla_is_the_cross_entropy_of_logits() -> None:
    patch = torch.tensor([[[[0.0, 2.0]]]])
    expected = torch.nn.functional.softplus(-patch).mean()
    assert torch.allclose(judged_as(patch, True, "vanilla"), expected)
    with pytest.raises(ValueError, match="adversarial must be one of lsgan, vanilla, got 'wgan'"):
        judged_as(patch, True, "wgan")  # type: ignore[arg-type]


@pytest.mark.parametrize("loss", [cycle_loss, identity_loss, pair_loss])
def test_pixel_losses_are_mean_absolute_differences(loss) -> None:
    x = torch.rand(2, 1, 4, 4, dtype=torch.float64)
    assert float(loss(x, x + 0.1)) == pytest.approx(0.1)
    assert float(loss(x, x)) == 0
    with pytest.raises(ValueError, match="they would be broadcast"):
        loss(x, x[:1])


def test_perfect_prediction_costs_exactly_nothing_and_broadcasting_is_refused() -> None:
    assert float(stroke_loss(LABELS, LABELS, "mse")) == 0.0
    for kind in ("mse", "bce"):
        with pytest.raises(ValueError, match=r"logits must have shape \(N, strokes\)"):
            stroke_loss(LABELS[:, :, None, None], LABELS, kind)
        with pytest.raises(ValueError, match="they would be broadcast"):
            stroke_loss(LABELS, LABELS[:1], kind)


def test_the_released_loss_of_a_perfect_prediction_is_a_half_and_best_at_the_mean() -> None:
    assert float(released_stroke_loss(LABELS, LABELS)) == 0.5
    constant = [float(released_stroke_loss(torch.full_like(LABELS, c), LABELS))
                for c in (0.4, 0.5, 0.6)]  # fmt: skip
    assert constant[1] == min(constant) == 0.25
    assert float(stroke_loss(LABELS, LABELS, "released")) == 0.5


def test_weighted_square_error_of_the_specification() -> None:
    half = torch.full((3, 32), 0.5)
    assert 0.18 * float(stroke_loss(half, torch.zeros(3, 32), "mse")) == pytest.approx(0.045)
    with pytest.raises(ValueError, match="stroke_loss must be one of bce, mse, released"):
        stroke_loss(half, half, "l1")  # type: ignore[arg-type]


@given(st.integers(1, 5), st.integers(1, 5), st.integers(0, 100))
def test_losses_are_means_over_all_elements(rows: int, strokes: int, seed: int) -> None:
    drawn = torch.Generator().manual_seed(seed)
    logits = torch.randn(rows, strokes, generator=drawn)
    codes = torch.randint(2, (rows, strokes), generator=drawn).float()
    for kind in ("bce", "mse", "released"):
        whole = stroke_loss(logits, codes, kind)
        twice = stroke_loss(logits.repeat(2, 1), codes.repeat(2, 1), kind)
        assert torch.allclose(whole, twice, atol=1e-6) and float(whole) >= 0


def test_constancy_and_category() -> None:
    code = torch.zeros(2, 3, 2, 2)
    assert float(constancy_loss(code, code + 2)) == 4
    fonts = torch.tensor([0, 0])
    assert float(category_loss(torch.randn(2, 1), fonts)) == 0
    assert float(category_loss(torch.zeros(2, 4), fonts)) == pytest.approx(1.3862944)
    with pytest.raises(ValueError, match=r"expected \(N, K\) and \(N,\)"):
        category_loss(torch.zeros(2, 4), fonts[:1])
    with pytest.raises(ValueError, match="at least one element"):
        constancy_loss(code[:0], code[:0])
