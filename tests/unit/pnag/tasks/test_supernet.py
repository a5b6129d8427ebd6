"""A supernet trained by one long task, or in shards by many short ones."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from numpy.testing import assert_array_equal
from pnag_problems import SMALL, Context, problem

from heliostat.values.canonical import decode, encode
from heliostat_methods.pnag.tasks.gradients import GradientOfShard, shard_gradient
from heliostat_methods.pnag.tasks.supernet import Training, train_supernet, trainer_of
from heliostat_methods.pnag.training.building import TrainedSupernet, fresh_supernet, weights_of


def trained(ctx: Context, **settings: Any) -> TrainedSupernet:
    found: TrainedSupernet = train_supernet(Training(ctx.share(problem(**settings))), ctx)
    return found


def assert_equal_bits(one: TrainedSupernet, other: TrainedSupernet) -> None:
    assert sorted(one.weights) == sorted(other.weights)
    for name in one.weights:
        assert_array_equal(one.weights[name], other.weights[name])
    assert_array_equal(one.losses, other.losses)


@pytest.fixture(scope="module")
def whole() -> tuple[Context, TrainedSupernet]:
    ctx = Context()
    return ctx, trained(ctx, epochs=3)


def test_each_epoch_has_a_loss_and_the_network_learns(whole: Any) -> None:
    _, found = whole
    assert found.losses.shape == (3,)
    assert found.losses[2] < found.losses[0]


@pytest.mark.parametrize("epoch", [0, 1, 2])
def test_a_training_goes_on_from_a_checkpoint_with_equal_bits(whole: Any, epoch: int) -> None:
    before, found = whole
    ctx = Context()
    ctx.kept = before.states[epoch]
    assert_equal_bits(trained(ctx, epochs=3), found)
    assert ctx.states == before.states[epoch + 1 :]


def test_progressive_shrinking_goes_on_with_its_teacher() -> None:
    ctx = Context()
    found = trained(ctx, epochs=3, schedule="shrinking")
    again = Context()
    again.kept = ctx.states[1]
    assert "teacher" in ctx.states[1]
    assert_equal_bits(trained(again, epochs=3, schedule="shrinking"), found)


def test_what_is_left_survives_its_text(whole: Any) -> None:
    _, found = whole
    assert_equal_bits(decode(encode(found)), found)


@pytest.mark.parametrize("shards", [1, 3])
def test_gradients_of_shards_make_the_trainer_s_own_step(shards: int) -> None:
    given = problem(shards=shards)
    ctx = Context()
    handle = ctx.share(given)

    def trainer() -> Any:
        net = fresh_supernet(given, SMALL, ctx.part, torch.Generator().manual_seed(3))
        return trainer_of(given, SMALL, net, ctx.rng, ctx.part)

    own, driver = trainer(), trainer()
    for _ in range(2):
        report = own.step(*given.train.tensors("cpu"))
        driver.begin(48)
        state = ctx.share(driver.state())
        items = [GradientOfShard(handle, state, shard) for shard in range(shards)]
        found = [shard_gradient(item, ctx) for item in reversed(items)][::-1]
        assert [one.images for one in found] == [len(p) for p in np.array_split(range(16), shards)]
        assert driver.apply([one.gradient() for one in found], driver.steps(48)) == report
    ours, its = weights_of(own.net), weights_of(driver.net)
    assert all(np.array_equal(ours[name], its[name]) for name in ours)
