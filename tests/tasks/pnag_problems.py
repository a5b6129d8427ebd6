"""A problem of a few small images, and what a task sees of a run, without a run."""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np
import torch

from heliostat import PartRef, Shared, registry
from heliostat.values.canonical import decode, encode
from heliostat_methods.pnag.comparison.outcome import FrontNetwork
from heliostat_methods.pnag.config import SupernetConfig
from heliostat_methods.pnag.found.networks import FoundNetwork, FoundNetworks
from heliostat_methods.pnag.spaces.elastic_conv import ElasticConvSpace
from heliostat_methods.pnag.supernet.network import Supernet
from heliostat_methods.pnag.supernet.recalibration import recalibrate
from heliostat_methods.pnag.training.problem import Images, Problem

SPACE = PartRef("elastic_conv", {"widths": [4, 6], "strides": [1, 2], "stem_channels": 4})
SMALL = ElasticConvSpace(widths=(4, 6), strides=(1, 2), stem_channels=4)
"""(4 + 16)^2 = 400 networks."""
SETTINGS = {"epochs": 2, "batch": 16, "calibration": 16, "random": 1}


def images(count: int, seed: int) -> Images:
    """Images 8 x 8 of three classes, brighter by class."""
    rng = np.random.default_rng(seed)
    labels = np.arange(count) % 3
    pixels = rng.normal(size=(count, 1, 8, 8)) + labels[:, None, None, None]
    return Images(pixels.astype(np.float32), labels.astype(np.int64))


def problem(space: PartRef = SPACE, layers: tuple[PartRef, ...] = (), **settings: Any) -> Problem:
    """48 images to train on, 24 to validate, 24 to test; two epochs of three steps."""
    chosen = SupernetConfig.model_validate({**SETTINGS, **settings})
    return Problem(
        "mine", images(48, 1), images(24, 2), images(24, 3), 3, space, layers,
        PartRef("cross_entropy"), chosen, "contiguous",
    )  # fmt: skip


def left_networks(front: list[FrontNetwork]) -> FoundNetworks:
    """Networks as a search leaves them, of a supernet that knows nothing."""
    layout = SMALL.layout((1, 8, 8), 10)
    generator = torch.Generator().manual_seed(1)
    net = Supernet(layout, SMALL.middle, generator, memory_format="contiguous")
    images = torch.randn(32, 1, 8, 8, generator=generator)
    middles = {(shape.channels_in, expand, SMALL.middle(shape, expand))
               for unit in layout.units for shape in unit for expand in shape.expands}  # fmt: skip
    networks = []
    for one in front:
        blocks = SMALL.blocks(SMALL.read(one.text))
        statistics = recalibrate(net, blocks, images).items()
        moments = {name: (mean.numpy(), variance.numpy()) for name, (mean, variance) in statistics}
        networks.append(
            FoundNetwork(one.text, blocks, moments, one.accuracy, one.test or 0.0, one.costs)
        )
    weights = {name: values.numpy() for name, values in net.state_dict().items()}
    return FoundNetworks(
        layout, tuple(sorted(middles)), (), "contiguous", weights, "madds", tuple(networks)
    )


class Context:
    """A task's view of a run: named streams, shared values, parts, and checkpoints that are kept.

    What is shared comes back as decoded text, as in a worker.
    """

    def __init__(self, device: str = "cpu") -> None:
        self.device = device
        self.states: list[str] = []
        self.kept: str | None = None
        self._values: dict[str, str] = {}

    def share(self, value: Any) -> Shared[Any]:
        """Return a handle of a value."""
        text = encode(value)
        name = hashlib.sha256(text.encode()).hexdigest()
        self._values[name] = text
        return Shared(name)

    def shared(self, handle: Shared[Any]) -> Any:
        return decode(self._values[handle.sha256])

    def rng(self, *name: Any) -> np.random.Generator:
        return np.random.default_rng(self.seed64(*name))

    def torch_generator(self, *name: Any) -> torch.Generator:
        return torch.Generator().manual_seed(self.seed64(*name))

    def seed64(self, *name: Any) -> int:
        return int.from_bytes(hashlib.sha256(repr(name).encode()).digest()[:7], "big")

    def part(self, kind: str, ref: PartRef) -> Any:
        spec = registry().part(kind, ref.name)
        return spec.build(spec.config.model_validate(dict(ref.params)))

    def checkpoint(self, state: object) -> None:
        self.states.append(encode(state))

    def restore(self, default: Any) -> Any:
        return default if self.kept is None else decode(self.kept)
