"""Draws inside a network: decided by the seed, with no trace on torch's own generator.

Those of other devices stand in the tests of evomal's generic learners.
"""

import numpy as np
import pytest
import torch
from torch.nn import functional

from heliostat_search.unrolled.drawing import draw_seeds, drawing_from


def mask(seed):
    with drawing_from(seed):
        return functional.dropout(torch.ones(64), 0.5)


def test_a_seed_decides_the_mask_whatever_was_drawn_before():
    torch.manual_seed(1)
    first = mask(5)
    torch.rand(100)
    assert torch.equal(mask(5), first)
    assert not torch.equal(mask(6), first)


def test_draws_inside_each_other_do_not_meet():
    with drawing_from(1):
        alone = torch.rand(4)
    with drawing_from(1):
        before = torch.rand(2)
        mask(2)
        after = torch.rand(2)
    assert torch.equal(torch.cat((before, after)), alone)


def test_torchs_generator_is_put_back_even_after_an_error():
    torch.manual_seed(3)
    expected = torch.rand(3)
    torch.manual_seed(3)
    mask(9)
    with pytest.raises(RuntimeError, match="inside"), drawing_from(4):
        torch.rand(5)
        raise RuntimeError("inside")
    assert torch.equal(torch.rand(3), expected)


def test_a_longer_list_of_seeds_begins_with_a_shorter_one():
    long, short = (draw_seeds(np.random.default_rng(2), count) for count in (7, 3))
    assert long[:3] == short
    assert len(set(long)) == 7 and all(0 <= seed < 1 << 62 for seed in long)
    assert draw_seeds(np.random.default_rng(2), 0) == []
