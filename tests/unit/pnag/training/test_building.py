"""Supernets built anew in any process, from a problem and weights."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
import torch
from pnag_problems import SMALL, Context, problem

from heliostat_methods.pnag.spaces.elastic_conv import ElasticConvSpace
from heliostat_methods.pnag.spaces.space import Archs, Decision
from heliostat_methods.pnag.training.building import (
    choices_of,
    fresh_supernet,
    layout_of,
    space_of,
    trained_supernet,
    weights_of,
)


def test_weights_come_back_to_the_bit() -> None:
    given, ctx = problem(), Context()
    space = space_of(given, ctx.part)
    assert space == SMALL
    net = fresh_supernet(given, space, ctx.part, torch.Generator().manual_seed(5))
    weights = weights_of(net)
    again = trained_supernet(given, weights, space, ctx.part)
    assert list(again.state_dict()) == list(weights)
    for name, value in again.state_dict().items():
        assert np.array_equal(value.numpy(), weights[name])
    assert not again.training


def test_weights_taken_do_not_follow_the_network() -> None:
    given, ctx = problem(), Context()
    net = fresh_supernet(given, SMALL, ctx.part, torch.Generator().manual_seed(5))
    weights = weights_of(net)
    before = {name: value.copy() for name, value in weights.items()}
    with torch.no_grad():
        for parameter in net.parameters():
            parameter.add_(1)
    assert all(np.array_equal(weights[name], before[name]) for name in before)


@pytest.mark.parametrize("depths", [(1, 2), (2,), (1, 3)])
def test_training_draws_the_depths_of_an_elastic_space(depths: tuple[int, ...]) -> None:
    space = ElasticConvSpace(widths=(4, 6), strides=(1, 2), depths=depths, stem_channels=4)
    choices = choices_of(space, layout_of(problem(), space))
    assert choices.depths == (depths, depths)
    assert [len(unit) for unit in choices.smallest] == [min(depths)] * 2


@dataclass(frozen=True)
class Plain:
    """A space of one decision that names no depths."""

    decisions: tuple[Decision, ...] = (Decision("depth", "depth", (1, 2)),)
    name: str = "plain"
    size: int = 2

    def canonical(self, choices: Archs) -> Archs:
        return choices


def test_units_of_another_space_may_have_any_depth() -> None:
    layout = layout_of(problem(), SMALL)
    space: object = Plain()
    assert choices_of(space, layout).depths == ((1, 2), (1, 2))  # type: ignore[arg-type]
