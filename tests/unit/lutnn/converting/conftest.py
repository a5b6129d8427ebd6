"""Small models of several kinds of layers, and their inputs."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
import torch
from torch import nn

from heliostat_methods.lutnn.converting.policy import LutPolicy


def drawn(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def network():
    """Convolutions, norms and linear layers, by names "0" to "10", for images (B, 3, 8, 8)."""
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(3, 8, 3, padding=1),
        nn.BatchNorm2d(8),
        nn.ReLU(),
        nn.Conv2d(8, 8, 1, bias=False),
        nn.Conv2d(8, 8, 3, padding=1, groups=2),
        nn.Sequential(nn.Conv2d(8, 6, 3, stride=2, padding=1), nn.Dropout(0.5)),
        nn.Flatten(),
        nn.Linear(96, 20),
        nn.ReLU(),
        nn.Linear(20, 32),
        nn.Linear(32, 10),
    )


def images(count=4, seed=0):
    return drawn(count, 3, 8, 8, seed=seed)


def always(**options):
    """A policy that converts whatever it costs."""
    return LutPolicy(only_faster="no", **options)


@pytest.fixture(scope="session")
def made():
    """What draws models, inputs and policies."""
    return SimpleNamespace(drawn=drawn, network=network, images=images, always=always)
