"""Masked kernels written where earlier ones lay have the values and gradients of fresh memory."""

from __future__ import annotations

import copy
import pickle

import torch
from torch import Tensor

from heliostat_methods.gmconv.layers.masked_weight import times_mask
from heliostat_methods.gmconv.layers.static import GMConv2d
from heliostat_search.spare_memory import LEAST, SpareMemory

SIDE = 180
assert SIDE * SIDE * 9 * 4 > LEAST


def layer() -> GMConv2d:
    torch.manual_seed(0)
    return GMConv2d(SIDE, SIDE, 3, padding=1, sigma_init=1.5)


def images(seed: int) -> Tensor:
    return torch.randn(2, SIDE, 3, 4, generator=torch.Generator().manual_seed(seed))


def gradients(made: GMConv2d) -> tuple[Tensor, Tensor]:
    assert made.weight.grad is not None and made.sigma is not None and made.sigma.grad is not None
    return made.weight.grad.clone(), made.sigma.grad.clone()


def test_a_graph_that_waits_keeps_its_kernel() -> None:
    together, apart = layer(), layer()
    losses = [together(images(seed)).square().sum() for seed in (1, 2)]
    with torch.no_grad():  # a kernel of other widths in between
        assert together.sigma is not None
        changed = copy.deepcopy(together)
        changed.train()(images(3))
    for loss in losses:
        loss.backward()
    for seed in (1, 2):
        apart(images(seed)).square().sum().backward()
    for ours, theirs in zip(gradients(together), gradients(apart), strict=True):
        torch.testing.assert_close(ours, theirs)


def test_steps_on_memory_that_is_reused_give_the_bits_of_fresh_memory() -> None:
    reusing, fresh = layer(), layer()
    for seed in range(4):
        for made in (reusing, fresh):
            made.zero_grad()
            made(images(seed)).square().sum().backward()
            with torch.no_grad():
                for parameter in made.parameters():
                    assert parameter.grad is not None
                    parameter -= 1e-4 * parameter.grad
        fresh._spare.clear()
    for ours, theirs in zip(reusing.parameters(), fresh.parameters(), strict=True):
        assert torch.equal(ours, theirs)


def test_gradients_of_gradients_keep_what_they_need() -> None:
    made, x = layer(), images(1).requires_grad_()
    (slope,) = torch.autograd.grad(made(x).square().sum(), x, create_graph=True)
    made(images(2)).sum().backward()
    made.zero_grad()
    slope.square().sum().backward()
    other, y = layer(), images(1).requires_grad_()
    (slope,) = torch.autograd.grad(other(y).square().sum(), y, create_graph=True)
    slope.square().sum().backward()
    for ours, theirs in zip(gradients(made), gradients(other), strict=True):
        torch.testing.assert_close(ours, theirs)


def test_copies_and_pickles_have_no_memory_in_common() -> None:
    made = layer()
    made(images(1)).sum().backward()
    assert len(made._spare) == 1
    for again in (copy.deepcopy(made), pickle.loads(pickle.dumps(made))):
        assert len(again._spare) == 0
        assert torch.equal(again(images(2)), made(images(2)))
    assert len(made.eval()._spare) == 0


def test_kernels_that_are_small_or_have_gaps_are_made_anew() -> None:
    spare, mask = SpareMemory(), torch.full((3, 3), 2.0)
    for weight in (torch.ones(2, 2, 3, 3), torch.ones(SIDE, 2 * SIDE, 3, 3)[:, ::2]):
        assert times_mask(weight, mask, spare).eq(2).all()
        assert len(spare) == 0
    last = torch.ones(SIDE, SIDE, 3, 3).to(memory_format=torch.channels_last)
    made = times_mask(last, mask, spare)
    assert made.stride() == last.stride() and made.eq(2).all() and len(spare) == 1
