from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

from heliostat_methods.pnag.spaces.elastic_conv import ElasticConvSpace
from heliostat_methods.pnag.supernet.choices import SubnetChoices
from heliostat_methods.pnag.supernet.network import Supernet

SHAPE, CLASSES = (1, 12, 12), 4


def streams(*name: Any) -> np.random.Generator:
    words = [sum(part.encode()) if isinstance(part, str) else part for part in name]
    return np.random.default_rng(words)


@pytest.fixture
def named() -> Callable[..., np.random.Generator]:
    return streams


@pytest.fixture
def space() -> ElasticConvSpace:
    """Two units of one or two blocks: (4 + 16)^2 = 400 subnets."""
    return ElasticConvSpace(widths=(6, 8), strides=(1, 2), stem_channels=5)


@pytest.fixture
def gated() -> ElasticConvSpace:
    return ElasticConvSpace(
        widths=(6, 8), strides=(1, 2), kernels=(3, 5, 7), expands=(2, 3, 4), stem_channels=5,
        activation="h_swish", squeeze_excite=True,
    )  # fmt: skip


@pytest.fixture
def build() -> Callable[..., Supernet]:
    def supernet(space: Any, seed: int = 0, layers: Any = None) -> Supernet:
        generator = torch.Generator().manual_seed(seed)
        net = Supernet(space.layout(SHAPE, CLASSES), space.middle, generator, layers)
        # Weights that a training left: what starts as 1, 0 or the identity would hide mistakes.
        with torch.no_grad():
            for parameter in net.parameters():
                noise = torch.empty_like(parameter).normal_(0, 0.1, generator=generator)
                parameter.add_(noise)
        return net

    return supernet


@pytest.fixture
def choices(space: ElasticConvSpace) -> SubnetChoices:
    return SubnetChoices(space.layout(SHAPE, CLASSES), (space.depths,) * 2)


@pytest.fixture
def images() -> torch.Tensor:
    return torch.randn(90, *SHAPE, generator=torch.Generator().manual_seed(7))


@pytest.fixture
def labels(images: torch.Tensor) -> torch.Tensor:
    """Four classes by the means of halves: learnable from the images."""
    return (images[:, 0, :6].mean((1, 2)) > 0) * 2 + (images[:, 0, 6:].mean((1, 2)) > 0).long()
