"""Averaged weights: their recursion, what follows whole, and which weights draw."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from heliostat_methods.strokegan.training.averaged_weights import AveragedWeights
from heliostat_methods.strokegan.training.settings import TrainingSettings
from heliostat_methods.strokegan.training.trainer import StrokeGANTrainer

MANY = settings(deadline=None, derandomize=True, max_examples=60)
NUMBERS = st.floats(-1e3, 1e3)


def one_number(value: float) -> nn.Module:
    module = nn.Linear(1, 1, bias=False, dtype=torch.float64)
    nn.init.constant_(module.weight, value)
    return module


@MANY
@given(
    average=st.floats(0, 1, exclude_max=True),
    begin=NUMBERS,
    later=st.lists(NUMBERS, min_size=1, max_size=30),
)
def test_of_the_average_so_much_is_kept_and_less_at_first(average, begin, later) -> None:
    averaged, expected = AveragedWeights(one_number(begin), average), begin
    for step, new in enumerate(later):
        averaged.follow(one_number(new), step)
        kept = min(average, (step + 1) / (step + 10))
        expected = kept * expected + (1 - kept) * new
        assert averaged.module.weight.item() == pytest.approx(expected, rel=1e-9, abs=1e-9)


def test_buffers_are_copied_and_gradients_left_alone() -> None:
    network = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4))
    averaged = AveragedWeights(network, 0.9)
    network(torch.arange(15.0).reshape(5, 3)).square().sum().backward()
    slopes = [part.grad.clone() for part in network.parameters()]
    weights = [part.detach().clone() for part in network.parameters()]
    averaged.follow(network, 0)
    own = dict(averaged.module.named_buffers())
    for name, value in network.named_buffers():
        assert torch.equal(own[name], value) and own[name] is not value
    assert own["1.num_batches_tracked"] == 1
    for part, slope, weight in zip(network.parameters(), slopes, weights, strict=True):
        assert torch.equal(part.grad, slope) and torch.equal(part, weight) and part.requires_grad
    for part in averaged.module.parameters():
        assert part.grad is None and not part.requires_grad


def test_the_average_of_a_training_is_that_of_its_steps(data, tiny) -> None:
    trainer = StrokeGANTrainer(data, tiny("l1_pairs_only", average=0.35, learning_rate=0.01), 0)

    def drawing() -> dict[str, np.ndarray]:
        state = trainer.state()
        return {k: v.astype(float) for k, v in state.items() if k.startswith("to_target/")}

    expected = drawing()
    for step in range(6):
        trainer.step()
        kept = min(0.35, (step + 1) / (step + 10))
        new = drawing()
        expected = {k: kept * old + (1 - kept) * new[k] for k, old in expected.items()}
    state, apart = trainer.state(), 0.0
    for name, value in expected.items():
        found = state[name.replace("to_target", "average")]
        assert np.allclose(found, value, rtol=1e-5, atol=1e-7), name
        apart = max(apart, np.abs(state[name] - found).max())
    assert apart > 1e-3


@pytest.mark.parametrize(("average", "drawn_by"), [(0.0, "to_target"), (0.9, "average")])
def test_the_average_draws_and_without_one_the_last_weights(average, drawn_by, data, tiny) -> None:
    trainer = StrokeGANTrainer(data, tiny(average=average, learning_rate=0.01), 0)
    trainer.fit()
    state, made = trainer.state(), trainer.generate(data.source)
    assert any(name.startswith("average/") for name in state) == (average > 0)
    plain = StrokeGANTrainer(data, tiny(average=0.0), 5)
    pictures = {}
    for part in {"to_target", drawn_by}:
        weights = {name.removeprefix(f"{part}/"): torch.from_numpy(value)
                   for name, value in state.items() if name.startswith(f"{part}/")}  # fmt: skip
        plain.networks["to_target"].load_state_dict(weights)
        pictures[part] = plain.generate(data.source)
    assert np.array_equal(made, pictures[drawn_by])
    assert all((np.array_equal(made, one)) == (part == drawn_by) for part, one in pictures.items())


def test_an_average_changes_no_step(data, tiny) -> None:
    plain, averaged = (StrokeGANTrainer(data, tiny(average=one), 3) for one in (0.0, 0.99))
    for trainer in (plain, averaged):
        trainer.fit()
    found, expected = averaged.state(), plain.state()
    assert {name for name in found if not name.startswith("average/")} == expected.keys()
    for name, value in expected.items():
        assert np.array_equal(found[name], value, equal_nan=name == "records"), name


def test_a_state_carries_its_average_and_one_without_is_refused(data, tiny) -> None:
    chosen = tiny(average=0.9)
    first, second = StrokeGANTrainer(data, chosen, 1), StrokeGANTrainer(data, chosen, 2)
    first.fit(4)
    second.load(first.state())
    assert np.array_equal(first.generate(data.source), second.generate(data.source))
    plain = StrokeGANTrainer(data, tiny(average=0.0), 1)
    with pytest.raises(ValueError, match=r"state: average\..* is in only one of the state"):
        second.load(plain.state())


def test_what_is_copied_has_no_average(data, tiny) -> None:
    trainer = StrokeGANTrainer(data, tiny("copy_source", average=0.9), 0)
    trainer.fit()
    assert trainer.state().keys() == {"step", "records"}


@pytest.mark.parametrize("value", [-0.01, 1.0, 2, float("nan"), float("inf")])
def test_an_average_outside_of_its_range_is_named(value: float) -> None:
    with pytest.raises(ValueError, match=rf"average must lie in \[0, 1\), got {value}"):
        TrainingSettings(average=value)
