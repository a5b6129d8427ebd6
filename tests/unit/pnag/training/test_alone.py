"""The layout of one network, and what trains it."""

from __future__ import annotations

import numpy as np
import torch
from pnag_problems import SMALL, problem

from heliostat_methods.pnag.spaces.counting import params_of
from heliostat_methods.pnag.spaces.moves import all_architectures
from heliostat_methods.pnag.supernet.network import Supernet
from heliostat_methods.pnag.training.alone import Alone, alone, only
from heliostat_methods.pnag.training.building import layout_of

LAYOUT = layout_of(problem(), SMALL)


def test_a_layout_of_one_network_has_that_network_alone() -> None:
    archs = all_architectures(SMALL)
    for arch in archs[:: len(archs) // 7]:
        blocks = SMALL.blocks(arch)
        choices = alone(only(LAYOUT, blocks))
        assert choices.largest == choices.smallest == blocks
        rng = np.random.default_rng(0)
        assert choices.draw(rng) == blocks
        assert Alone().plan(choices, 3, 9, rng).subnets == (blocks,)


def test_a_network_alone_has_no_weights_beside_its_own() -> None:
    # Depthwise filters of 3 come out of those of 5 in a supernet, by a matrix; not so here.
    for arch in all_architectures(SMALL)[[0, 150, 399]]:
        layout = only(LAYOUT, SMALL.blocks(arch))
        net = Supernet(layout, SMALL.middle, torch.Generator().manual_seed(1))
        counted = params_of(SMALL, arch[None], LAYOUT.input_shape, LAYOUT.classes)[0]
        assert sum(p.numel() for p in net.parameters()) == counted
