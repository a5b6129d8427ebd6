"""Several batches through a network at once: instances are normalised alone, so nothing mixes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import torch
from torch import Tensor, nn


def generated(network: nn.Module, batches: Sequence[Tensor], merged: bool) -> list[Tensor]:
    """Return a generator's pictures of each batch (n, C, px, px), from one pass if ``merged``."""
    if not merged or len(batches) == 1:
        return [network(one).float() for one in batches]
    made: Tensor = network(torch.cat(list(batches))).float()
    return list(torch.split(made, [len(one) for one in batches]))


def judged(
    network: nn.Module, batches: Sequence[Tensor], merged: bool
) -> list[tuple[Tensor, Tensor]]:
    """Return a discriminator's maps and logits of each batch, from one pass if ``merged``."""
    if not merged or len(batches) == 1:
        return [_floats(network(one)) for one in batches]
    sizes = [len(one) for one in batches]
    maps, logits = _floats(network(torch.cat(list(batches))))
    return list(zip(torch.split(maps, sizes), torch.split(logits, sizes), strict=True))


def _floats(made: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor]:
    return made[0].float(), made[1].float()


@contextmanager
def frozen(*networks: nn.Module) -> Iterator[None]:
    """Let gradients pass through networks, and none be kept for their own parameters."""
    held = [part for one in networks for part in one.parameters() if part.requires_grad]
    for part in held:
        part.requires_grad_(False)
    try:
        yield
    finally:
        for part in held:
            part.requires_grad_(True)
