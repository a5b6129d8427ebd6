"""The circular mask: taps on the circle are in it, sides that differ make an ellipse."""

import pytest
import torch

from heliostat_methods.gmconv import circle_mask
from heliostat_methods.gmconv.masks.taps import squared_distances

# Taps within r2 <= (K / 2)^2, counted by hand.
TAPS = {1: 1, 2: 4, 3: 9, 4: 12, 5: 21, 6: 32, 7: 37, 10: 80}


@pytest.mark.parametrize("size", TAPS)
def test_the_circle_holds_the_taps_that_it_should(size):
    mask = circle_mask(size)
    assert torch.equal(mask, (squared_distances(size) <= (size / 2) ** 2).float())
    assert int(mask.sum()) == TAPS[size]


def test_a_kernel_of_five_taps_loses_its_corners():
    wanted = torch.ones(5, 5)
    wanted[::4, ::4] = 0
    assert torch.equal(circle_mask(5), wanted)


def test_other_ranks_and_sides_that_differ():
    assert torch.equal(circle_mask((7,)), torch.ones(7))
    # Offsets (1, 2) of a 3 x 5 kernel: (2 / 3)^2 + (4 / 5)^2 = 1.084 > 1.
    wanted = torch.ones(3, 5, dtype=torch.float64)
    wanted[::2, ::4] = 0
    assert torch.equal(circle_mask((3, 5), dtype=torch.float64), wanted)
    assert int(circle_mask((3, 3, 3)).sum()) == 19


def test_kernels_without_taps_are_refused():
    with pytest.raises(ValueError, match=r"^kernel_size must be a positive .*, got \(3, 0\)$"):
        circle_mask((3, 0))
