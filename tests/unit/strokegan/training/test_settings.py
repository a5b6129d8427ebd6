"""What can be set, the table of variants, and how rates and weights go."""

import pytest

from heliostat_methods.strokegan.training.schedules import linear_decay, rising
from heliostat_methods.strokegan.training.settings import TrainingSettings
from heliostat_methods.strokegan.training.variants import SENTENCES, VARIANTS, variant_settings


@pytest.mark.parametrize(("change", "message"), [
    ({"image_size": 30}, "image_size .* got 30; nearest valid: 28 and 32"),
    ({"objective": "wgan"}, "objective must be one of cycle, paired"),
    ({"stroke_loss": "l1"}, "stroke_loss must be one of bce, mse, released"),
    ({"batch": 0}, "batch must be a whole number from 1, got 0"),
    ({"steps": 1.5}, "steps must be a whole number from 1"),
    ({"stroke_weight": -1}, "stroke_weight must be 0 or more and finite"),
    ({"cycle_weight": float("nan")}, "cycle_weight must be 0 or more and finite"),
    ({"learning_rate": 0}, "learning_rate must be more than 0"),
    ({"beta1": 1.0}, r"beta1 must lie in \[0, 1\)"),
    ({"stroke_ramp": 2}, "stroke_ramp must be from 0 to 1"),
    ({"shift": 9}, "shift must be at most a quarter of image_size, 8, got 9"),
    ({"warm_start": 3, "pair_weight": 0}, "warm_start must be 0 where pair_weight is 0"),
    ({"warm_start": 3, "objective": "paired"}, "warm_start must be 0 unless objective is cycle"),
    ({"warm_start": 900}, "warm_start must be at most steps, 500"),
    ({"constancy_weight": 1}, "constancy_weight and category_weight must be 0 unless"),
    ({"flip": True}, "flip must be off where there are pairs"),
])  # fmt: skip
def test_what_cannot_be_is_named(change: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        TrainingSettings(**change)


def test_every_variant_has_settings_and_a_sentence() -> None:
    assert list(VARIANTS) == list(SENTENCES)
    assert len(VARIANTS) == 11
    for name in VARIANTS:
        assert variant_settings(name, TrainingSettings(warm_start=5)).image_size == 32
    with pytest.raises(ValueError, match="got 'strokgan'; did you mean 'strokegan'"):
        variant_settings("strokgan")


def test_variants_are_what_the_papers_compare() -> None:
    assert variant_settings("strokegan_plus") == TrainingSettings()
    weights = {name: (variant_settings(name).stroke_weight > 0, variant_settings(name).needs_pairs)
               for name in ("cyclegan", "strokegan", "cyclegan_fs3", "strokegan_plus")}  # fmt: skip
    assert weights == {"cyclegan": (False, False), "strokegan": (True, False),
                       "cyclegan_fs3": (False, True), "strokegan_plus": (True, True)}  # fmt: skip
    zi2zi = variant_settings("zi2zi_lite")
    assert (zi2zi.pair_weight, zi2zi.constancy_weight, zi2zi.category_weight) == (100, 15, 1)


def test_the_rate_is_constant_for_100_epochs_and_then_falls_to_nothing() -> None:
    for epoch in range(1, 201):
        assert linear_decay(epoch) == 1 - max(0, epoch - 100) / 101
    assert linear_decay(1) == linear_decay(100) == 1
    assert linear_decay(201) == linear_decay(999) == 0


def test_a_weight_rises_evenly() -> None:
    assert [rising(step, 4) for step in range(6)] == [0, 0.25, 0.5, 0.75, 1, 1]
    assert rising(0, 0) == 1
