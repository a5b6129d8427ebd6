from itertools import pairwise

import numpy as np
import pytest
import torch

from heliostat_methods.fams.gaussian.network import GaussianMLP
from heliostat_methods.fams.gaussian.rounds import Schedule, blocks

PRIOR, PRESENT = GaussianMLP.initial((2, 1)), np.array([0, 2, 3, 7, 9])


@pytest.mark.parametrize("groups", (1, 7, 64, 1000, 100_000))
def test_blocks_hold_every_group_once_in_order(groups):
    parts = list(blocks(groups))
    assert parts[0].start == 0 and parts[-1].stop == groups
    assert all(a.stop == b.start for a, b in pairwise(parts))
    assert all(1 <= part.stop - part.start <= 64 for part in parts)


def test_rate_falls_to_a_fifth_at_half_time():
    schedule = Schedule(rounds=10, lr_posterior=0.5)
    assert [schedule.rate(round) for round in (0, 4, 5, 9)] == pytest.approx([0.5, 0.5, 0.1, 0.1])


def test_prior_rate_decays_from_its_round_on():
    schedule = Schedule(lr_prior=2, lr_prior_decay=(3, 0.5))
    assert [schedule.prior_rate(round) for round in (0, 2, 3, 5)] == [2, 2, 1, 0.25]


def test_groups_of_a_round_depend_on_seed_and_round():
    schedule = Schedule(groups_per_round=2)
    drawn = [tuple(schedule.drawn(round, PRESENT)) for round in range(200)]
    assert drawn[5] == tuple(schedule.drawn(5, PRESENT))
    assert all(a < b for a, b in drawn) and len(set(drawn)) == 10
    assert (Schedule(groups_per_round=9).drawn(0, PRESENT) == PRESENT).all()


def test_persistent_groups_start_at_the_prior_or_on_their_own():
    assert Schedule().first_posteriors(PRIOR, PRESENT) is None
    at_prior = Schedule(persist="persistent").first_posteriors(PRIOR, PRESENT)
    assert torch.equal(at_prior.networks.mean, PRIOR.mean.repeat(5, 1))
    own = Schedule(persist="persistent", start="random").first_posteriors(PRIOR, PRESENT)
    assert len(own.networks.mean.unique(dim=0)) == 5
    assert torch.equal(own.networks.mean[3], GaussianMLP.initial((2, 1), 0, (8,)).mean[0])
