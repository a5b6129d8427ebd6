"""What is measured has its form; the seconds themselves are nobody's to foresee."""

from __future__ import annotations

import numpy as np
import torch
from pnag_problems import SMALL, Context, problem

from heliostat_methods.pnag.spaces.moves import all_architectures
from heliostat_methods.pnag.tasks.measuring import (
    LayoutQuestion,
    TimedNetworks,
    choose_format,
    time_networks,
)
from heliostat_methods.pnag.training.building import TrainedSupernet, fresh_supernet, weights_of

GIVEN = problem()


def test_a_format_is_chosen() -> None:
    ctx = Context()
    assert choose_format(LayoutQuestion(ctx.share(GIVEN)), ctx) in ("channels_last", "contiguous")


def test_every_network_has_its_own_seconds() -> None:
    ctx = Context()
    net = fresh_supernet(GIVEN, SMALL, ctx.part, torch.Generator().manual_seed(8))
    trained = ctx.share(TrainedSupernet(weights_of(net), np.zeros(2)))
    archs = all_architectures(SMALL)[[0, -1]]
    seconds = time_networks(TimedNetworks(ctx.share(GIVEN), trained, archs, 1, 1), ctx)
    assert seconds.shape == (2,) and np.isfinite(seconds).all() and (seconds > 0).all()
