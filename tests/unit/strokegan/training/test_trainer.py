"""The trainer: same bits of the same seed, after a stop too; merged as separate; honest ends."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from heliostat_methods.strokegan.networks.patch_discriminator import PatchDiscriminator
from heliostat_methods.strokegan.networks.residual_generator import ResnetGenerator
from heliostat_methods.strokegan.networks.with_strokes import WithStrokes
from heliostat_methods.strokegan.training.auto_tune import measured_modes
from heliostat_methods.strokegan.training.diverged import GlyphTrainingDiverged
from heliostat_methods.strokegan.training.trainer import StrokeGANTrainer
from heliostat_methods.strokegan.training.variants import VARIANTS


def assert_same(left: dict, right: dict) -> None:
    assert left.keys() == right.keys()
    for name in left:
        assert np.array_equal(left[name], right[name], equal_nan=name == "records"), name


@pytest.mark.parametrize("name", VARIANTS)
def test_a_variant_stops_and_goes_on_bit_for_bit(name: str, data, tiny) -> None:
    chosen = tiny(name, **({"pool": 4} if name == "strokegan" else {}))
    whole = StrokeGANTrainer(data, chosen, 7)
    whole.fit()
    first = StrokeGANTrainer(data, chosen, 7)
    first.fit(3)
    second = StrokeGANTrainer(data, chosen, 7)
    second.load({k: v if isinstance(v, int) else v.copy() for k, v in first.state().items()})
    second.fit()
    assert whole.finished and second.taken == 6
    assert_same(whole.state(), second.state())
    made = second.generate(data.source[data.test])
    assert made.dtype == np.float32 and made.shape == data.source[data.test].shape
    assert np.isfinite(made).all() and made.min() >= 0 and made.max() <= 1
    assert np.array_equal(made, whole.generate(data.source[data.test]))


def test_without_weights_it_is_cyclegan_bit_for_bit(data, tiny) -> None:
    one = StrokeGANTrainer(data, tiny("cyclegan"), 3)
    other = StrokeGANTrainer(data, tiny("strokegan_plus", stroke_weight=0.0, pair_weight=0.0), 3)
    one.fit()
    other.fit()
    assert_same(one.state(), other.state())


def test_variants_of_a_seed_begin_alike_and_seeds_differ(data, tiny) -> None:
    plain, strokes, other = (
        StrokeGANTrainer(data, tiny(name), seed)
        for name, seed in (("cyclegan", 1), ("strokegan_plus", 1), ("cyclegan", 2))
    )
    mine, theirs, another = plain.state(), strokes.state(), other.state()
    for name in mine.keys() - {"step", "records"}:
        assert np.array_equal(mine[name], theirs[name])
    assert not np.array_equal(mine["to_target/layers.1.weight"],
                              another["to_target/layers.1.weight"])  # fmt: skip


@pytest.mark.parametrize("name", ["strokegan_plus", "zi2zi_stroke", "pix2pix_stroke"])
def test_merged_passes_give_the_losses_and_gradients_of_separate_ones(name, data, tiny) -> None:
    extra = {"identity_weight": 0.5, "stroke_targets": "both"} if name == "strokegan_plus" else {}
    found = []
    for merged in (True, False):
        trainer = StrokeGANTrainer(data, tiny(name, merged=merged, stroke_ramp=0.0, **extra), 0)
        terms = trainer.gradients()
        slopes = {
            f"{part}.{key}": weight.grad
            for part, module in trainer.networks.items()
            for key, weight in module.named_parameters()
            if weight.grad is not None
        }
        found.append((terms, slopes))
    (terms, slopes), (plain_terms, plain_slopes) = found
    assert terms == pytest.approx(plain_terms, rel=1e-4)
    assert slopes.keys() == plain_slopes.keys()
    for key, slope in slopes.items():
        size = float(plain_slopes[key].abs().max())
        # biases before a normalisation have no slope but rounding
        assert torch.allclose(slope, plain_slopes[key], rtol=1e-4, atol=1e-4 * size + 2e-6), key


def test_everything_drawn_is_the_stream_s(data, tiny) -> None:
    before = torch.get_rng_state()
    trainer = StrokeGANTrainer(data, tiny(), 0)
    trainer.fit()
    assert torch.equal(torch.get_rng_state(), before)


def test_the_warm_start_learns_from_pairs_alone(data, tiny) -> None:
    trainer = StrokeGANTrainer(data, tiny(warm_start=2), 0)
    begin = trainer.state()
    assert trainer.step().keys() == {"pair"}
    after = trainer.state()
    name = "judge_target/patch.weight"
    assert np.array_equal(begin[name], after[name])
    trainer.step()
    assert {"adversarial", "cycle", "stroke", "judge"} <= trainer.step().keys()
    assert not np.array_equal(begin[name], trainer.state()[name])


def test_pairs_are_learned(data, tiny) -> None:
    chosen = tiny("l1_pairs_only", steps=60, learning_rate=5e-3, shift=0, width=6)
    trainer = StrokeGANTrainer(data, chosen, 0)
    records = trainer.fit()
    assert records["pair"][-1] < 0.5 * records["pair"][0]
    assert records["step"].tolist() == [*range(0, 60, 2), 59]
    assert set(records) == {"step", "pair"}


def test_the_generator_gets_no_stroke_slope_where_it_must_not(data, tiny) -> None:
    terms = StrokeGANTrainer(data, tiny(stroke_to_generator=False), 0).step()
    assert "stroke" not in terms and "judge_stroke" in terms
    released = StrokeGANTrainer(data, tiny("strokegan_released"), 0).step()
    assert "stroke" not in released and "judge_stroke" in released


@pytest.mark.parametrize("targets", ["real", "fake", "both"])
def test_stroke_targets_differ(targets, data, tiny) -> None:
    trainer = StrokeGANTrainer(data, tiny(stroke_targets=targets, stroke_loss="mse"), 0)
    assert trainer.step()["judge_stroke"] > 0


def test_a_loss_that_is_not_finite_stops_before_the_step(data, tiny) -> None:
    trainer = StrokeGANTrainer(data, tiny(), 0)
    trainer.step()
    with torch.no_grad():
        next(iter(trainer.networks["to_target"].parameters())).fill_(float("nan"))
    before = trainer.state()
    with pytest.raises(
        GlyphTrainingDiverged, match=r"step 1: .*cycle nan.*that after 1 steps"
    ) as e:
        trainer.step()
    assert e.value.step == 1 and np.isnan(e.value.terms["cycle"])
    after = trainer.state()
    for name in before:
        assert np.array_equal(before[name], after[name], equal_nan=name != "step")


@settings(max_examples=12, deadline=None)
@given(
    name=st.sampled_from([name for name in VARIANTS if name != "copy_source"]),
    rate=st.sampled_from([1e-30, 1e-3, 1e6]),
    weight=st.sampled_from([0.0, 1e-30, 1.0, 1e30]),
    batch=st.sampled_from([1, 2, 40]),
    pairs=st.integers(1, 8),
)
def test_whatever_is_set_numbers_stay_finite_or_it_says_so(
    name, rate, weight, batch, pairs, data, tiny
) -> None:
    few = replace(data, paired=data.train[:pairs])
    changes = {"learning_rate": rate, "batch": batch}
    base = tiny(name)
    changes |= {part: weight for part in ("stroke_weight", "pair_weight", "cycle_weight")
                if getattr(base, part)}  # fmt: skip
    trainer = StrokeGANTrainer(few, replace(base, **changes), 0)
    try:
        trainer.fit()
    except GlyphTrainingDiverged as error:
        assert error.step == trainer.taken
        return
    for value in trainer.state().values():
        assert isinstance(value, int) or value.dtype != np.float32 or np.isfinite(value).all()
    assert np.isfinite(trainer.generate(data.source)).all()


def test_several_fonts_are_drawn_by_their_number(data, tiny) -> None:
    several = replace(data, further=np.stack([255 - data.target, data.source]))
    trainer = StrokeGANTrainer(several, tiny("zi2zi_stroke", paired_characters="selected"), 0)
    terms = trainer.fit()
    assert terms["category"][-1] > 0 and terms["judge_category"][-1] > 0
    given = data.source[:2]
    assert not np.array_equal(trainer.generate(given, 0), trainer.generate(given, 2))
    with pytest.raises(ValueError, match="font must be from 0 to 2, got 3"):
        trainer.generate(given, 3)


class Foreign(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Conv2d(1, 4, 4, 4)
        self.end = nn.Conv2d(4, 1, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.end(torch.relu(self.body(x)))


def test_strokes_and_pairs_go_round_other_networks(data, tiny) -> None:
    def own(direction: str) -> tuple[nn.Module, nn.Module]:
        generator = nn.Sequential(nn.Conv2d(1, 3, 3, padding=1), nn.Conv2d(3, 1, 1), nn.Tanh())
        return generator, WithStrokes(Foreign(), "body", image_size=16)

    one, same = (StrokeGANTrainer(data, tiny(), 5, networks=own) for _ in "ab")
    assert {"stroke", "pair", "judge_stroke"} <= one.step().keys()
    same.step()
    assert_same(one.state(), same.state())


def test_a_critic_guides_and_does_not_move(data, tiny) -> None:
    critic = nn.Sequential(nn.Flatten(), nn.Linear(256, 32))
    before = critic[1].weight.detach().clone()
    chosen = tiny(critic_weight=1.0, stroke_ramp=0.0)
    guided = StrokeGANTrainer(data, chosen, 0, critic=critic)
    plain = StrokeGANTrainer(data, tiny(stroke_ramp=0.0), 0)
    assert "critic" in guided.step() and "critic" not in plain.step()
    assert torch.equal(critic[1].weight, before)
    name = "adam_to/0.exp_avg"
    assert not np.array_equal(guided.state()[name], plain.state()[name])


def test_modes_are_measured_and_one_is_chosen(data, tiny) -> None:
    times = measured_modes(data, tiny(), steps=1)
    assert len(times.seconds) == 3 and times.fastest in times.seconds
    applied = times.applied(tiny())
    assert (applied.precision, applied.memory_format) == times.fastest
    for precision, layout in times.seconds:
        other = tiny(precision=precision, memory_format=layout, channels=3)
        assert StrokeGANTrainer(data, other, 0).step()["cycle"] > 0


def test_what_does_not_fit_is_named(data, tiny) -> None:
    with pytest.raises(ValueError, match="image_size must be that of the data's pictures, 16"):
        StrokeGANTrainer(data, tiny(image_size=20))
    with pytest.raises(ValueError, match="paired: no pairs in the data"):
        StrokeGANTrainer(replace(data, paired=data.train[:0]), tiny())
    with pytest.raises(ValueError, match=r"critic_weight is .*, but no critic was given"):
        StrokeGANTrainer(data, tiny(critic_weight=1.0))
    trainer = StrokeGANTrainer(data, tiny("copy_source"))
    with pytest.raises(ValueError, match="steps must be from 0 to the 6 that are left, got 7"):
        trainer.fit(7)
    trainer.fit()
    with pytest.raises(ValueError, match="all 6 are taken"):
        trainer.step()
    with pytest.raises(ValueError, match=r"images: uint8 of shape \(1, 8, 8\), expected uint8"):
        trainer.generate(data.source[:1, :8, :8])
    assert np.array_equal(trainer.generate(data.source[:2]), data.source[:2] / np.float32(255))
    assert trainer.generate(data.source[:0]).shape == (0, 16, 16)


def test_a_state_of_other_networks_is_refused(data, tiny) -> None:
    trainer = StrokeGANTrainer(data, tiny(), 0)
    with pytest.raises(ValueError, match="is in only one of the state and the networks"):
        trainer.load(StrokeGANTrainer(data, tiny("cyclegan"), 0).state())
    with pytest.raises(ValueError, match=r"has shape .*, expected"):
        trainer.load(StrokeGANTrainer(data, tiny(width=4), 0).state())


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_a_gpu_that_is_not_there_is_refused(data, tiny) -> None:
    with pytest.raises(ValueError, match="device must be 'cpu' or 'auto' here"):
        StrokeGANTrainer(data, tiny(device="cuda"))
    assert StrokeGANTrainer(data, tiny(device="auto")).device == "cpu"


def test_networks_are_those_of_the_settings(data, tiny) -> None:
    networks = StrokeGANTrainer(data, tiny(blocks=2, discriminator_width=5), 0).networks
    assert set(networks) == {"to_target", "judge_target", "to_source", "judge_source"}
    assert isinstance(networks["to_target"], ResnetGenerator)
    judge = networks["judge_source"]
    assert isinstance(judge, PatchDiscriminator) and judge.feature_channels == 20
