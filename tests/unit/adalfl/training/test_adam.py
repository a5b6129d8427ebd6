"""Adam on a stack against torch's."""

from __future__ import annotations

import pytest
import torch

from heliostat_methods.adalfl.training.adam import Adam


@pytest.mark.parametrize("rate", [1e-5, 0.3, 10.0])
def test_steps_are_those_of_torchs_optimiser(rate: float) -> None:
    generator = torch.Generator().manual_seed(0)
    values = torch.randn(3, 5, generator=generator, dtype=torch.float64)
    theirs = [row.clone().requires_grad_() for row in values]
    optimizers = [torch.optim.Adam([row], lr=rate) for row in theirs]
    adam = Adam.start(values, rate)
    for number in range(30):
        scale = 10.0 ** torch.randint(-8, 8, (3, 5), generator=generator)
        gradient = scale * torch.randn(3, 5, generator=generator, dtype=torch.float64)
        values = adam.step(values, gradient, number)
        for row, optimizer, slope in zip(theirs, optimizers, gradient, strict=True):
            row.grad = slope.clone()
            optimizer.step()
        torch.testing.assert_close(
            values, torch.stack([row.detach() for row in theirs]), rtol=1e-12, atol=1e-12
        )


def test_a_gradient_of_zero_moves_nothing_from_the_start() -> None:
    values = torch.tensor([[1.0, -2.0]])
    assert torch.equal(Adam.start(values, 1.0).step(values, torch.zeros(1, 2), 0), values)
