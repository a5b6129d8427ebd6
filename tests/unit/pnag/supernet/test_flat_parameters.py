import copy
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from heliostat_methods.pnag.supernet.flat_parameters import FlatParameters, NesterovSGD

BLOCKS = (((3, 4), (5, 2)), ((3, 2), (3, 4)))


def test_steps_are_those_of_torch(build: Any, space: Any, images: Tensor, labels: Tensor) -> None:
    ours = build(space)
    theirs = copy.deepcopy(ours)
    flat = FlatParameters(ours)
    mine = NesterovSGD(flat, 0.9, 0.01)
    decayed = [p for name, p in theirs.named_parameters() if p.dim() > 1 and ".maps." not in name]
    rest = [p for name, p in theirs.named_parameters() if p.dim() == 1 or ".maps." in name]
    optimiser = torch.optim.SGD(
        [{"params": decayed, "weight_decay": 0.01}, {"params": rest}], 0.05, 0.9, nesterov=True
    )
    for _ in range(4):
        flat.clear()
        F.cross_entropy(ours(images, BLOCKS), labels).backward()
        mine.step(flat.gradients.clone(), 0.05)
        optimiser.zero_grad(set_to_none=False)
        for parameter in theirs.parameters():
            parameter.grad = torch.zeros_like(parameter)
        F.cross_entropy(theirs(images, BLOCKS), labels).backward()
        optimiser.step()
    for a, b in zip(ours.parameters(), theirs.parameters(), strict=True):
        torch.testing.assert_close(a, b, atol=1e-5, rtol=1e-4)


def test_parameters_and_gradients_are_views_of_one_buffer(build: Any, space: Any) -> None:
    net = build(space)
    before = [p.detach().clone() for p in net.parameters()]
    flat = FlatParameters(net)
    assert all(torch.equal(a, b) for a, b in zip(before, net.parameters(), strict=True))
    flat.values.fill_(3.0)
    flat.gradients.fill_(2.0)
    assert all(bool((p == 3).all()) and bool((p.grad == 2).all()) for p in net.parameters())
    assert len(flat.values) == sum(p.numel() for p in net.parameters())
