"""Statistics of one subnet, taken anew from images: those of the supernet's training are of none.

Images go through the subnet in batches, each normalised by its own moments; mean and biased
variance of every channel are averaged over images (Cai et al. 2020, whose code takes 2,000 training
images in batches of 100).
"""

from __future__ import annotations

import torch
from torch import Tensor

from heliostat.errors import ConfigError, DataError
from heliostat_methods.pnag.spaces.layout import Blocks
from heliostat_methods.pnag.supernet.network import Supernet
from heliostat_methods.pnag.supernet.normalisation import Recording, Statistics
from heliostat_methods.pnag.supernet.paths import walk


def in_batches(images: Tensor, batch: int, name: str) -> tuple[Tensor, ...]:
    """Return images (n, channels, height, width) in batches, the last one perhaps smaller."""
    if batch < 1:
        raise ConfigError(f"{name} batch", batch, "at least 1 image")
    if len(images) == 0:
        raise DataError(f"{name}: no images")
    return tuple(images[i : i + batch] for i in range(0, len(images), batch))


def recalibrate(net: Supernet, blocks: Blocks, images: Tensor, batch: int = 100) -> Statistics:
    """Return the statistics of one subnet from images (n, channels, height, width).

    Nothing is stored in the network. Raises DataError for batches too small to have a variance.
    """
    record = Recording()
    with torch.inference_mode():
        for part in in_batches(images, batch, "calibration"):
            record.begin()
            for _ in walk(net, [blocks], part, lambda stage, *values: stage(*values, record)):
                pass
    return record.averaged()
